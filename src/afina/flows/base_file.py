"""The untuned base as a served file."""

from hashlib import blake2b
from pathlib import Path

from afina.bases import resolve_base
from afina.bases.folder import base_mark
from afina.export.export import Target, export_model
from afina.export.merge import Trained
from afina.progress import Stages, Tell, unheard
from afina.settings import Settings


def base_stage(settings: Settings, stages: Stages, *, folder: Path) -> Path:
    """The untuned base as a file, before anything is trained: what cannot be exported (an unknown tokenizer, a template that
    the runtime renders otherwise) is refused here, and the verdict needs the file in any case.
    """
    with stages.stage("base") as stage:
        gguf = base_gguf(settings, folder=folder, tell=stage.tell)
        stage.note = f"{gguf.stat().st_size / 1e6:.1f} MB {settings.export.quantisation}"
    return gguf


def base_gguf(settings: Settings, *, folder: Path, tell: Tell = unheard) -> Path:
    """The untuned base as a GGUF of the same quantisation, made once for each content: other weights may come to lie under a path."""
    base = resolve_base(settings.base.model)
    quantisation = settings.export.quantisation
    content = [f"{base}/{base_mark(base)}".encode()]
    content += [path.read_bytes() for path in sorted(base.iterdir()) if path.suffix in {".json", ".jinja", ".txt"}]
    mark = blake2b(b"\0".join(content), digest_size=6).hexdigest()
    out = folder / f"{base.name}-{quantisation}-{mark}" / f"base-{quantisation}.gguf"
    if not out.is_file():
        export_model(
            Trained(base), out, settings.runtime, Target(quantisation=quantisation, name=f"{base.name}-base"), tell=tell
        )
    return out
