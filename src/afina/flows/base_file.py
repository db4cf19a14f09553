"""The untuned base as a served file."""

from hashlib import blake2b
from pathlib import Path

from afina.bases import resolve_base
from afina.bases.folder import base_mark
from afina.export.deliver import deliver
from afina.export.export import Target
from afina.export.merge import Trained
from afina.flows.ollama_notices import ollama_notices
from afina.progress import Stages, Tell, unheard
from afina.runtime import gguf_facts
from afina.settings import Settings


def base_stage(settings: Settings, stages: Stages, *, folder: Path) -> Path:
    """The untuned base as a file, before anything is trained: what cannot be exported (an unknown tokenizer, a template that
    the runtime renders otherwise) is refused here, and the verdict needs the file in any case.
    """
    with stages.stage("base") as stage:
        gguf = base_gguf(settings, folder=folder, tell=stage.tell)
        kind = served_type(resolve_base(settings.base.model), settings.export.quantisation)
        said = ollama_notices(settings.base.model)
        stage.note = "; ".join((f"{gguf.stat().st_size / 1e6:.1f} MB {kind}", *said))
    return gguf


def served_type(base: Path, wanted: str) -> str:
    """The type of the served file's weights: of a GGUF the one that it has, else the wanted one."""
    return gguf_facts(base).kind if base.is_file() else wanted


def base_gguf(settings: Settings, *, folder: Path, tell: Tell = unheard) -> Path:
    """The untuned base as a GGUF of the same quantisation, made once for each content: other weights may come to lie under a path."""
    base = resolve_base(settings.base.model)
    quantisation = served_type(base, settings.export.quantisation)
    content = [f"{base}/{base_mark(base)}".encode()]
    beside = sorted(base.iterdir()) if base.is_dir() else []
    content += [path.read_bytes() for path in beside if path.suffix in {".json", ".jinja", ".txt"}]
    mark = blake2b(b"\0".join(content), digest_size=6).hexdigest()
    out = folder / f"{base.stem if base.is_file() else base.name}-{quantisation}-{mark}" / f"base-{quantisation}.gguf"
    if not out.is_file():
        deliver(
            Trained(base), out, settings.runtime, Target(quantisation=quantisation, name=f"{base.name}-base"), tell=tell
        )
    return out
