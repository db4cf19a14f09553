"""A base, with an adapter on it or without, as a served file: converted from a model folder; or of a GGUF the adapter beside it, or
merged into a copy of it."""

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from afina.bases.memory import require_available
from afina.errors import ExportError
from afina.export.export import Exported, Target, export_model
from afina.export.gguf_adapter import write_adapter_gguf
from afina.export.gguf_merge import merge_into_gguf
from afina.export.merge import Trained
from afina.export.modelfile import Source, write_modelfile
from afina.export.parity import Check, Parity, check_parity, require_parity
from afina.progress import Tell, unheard
from afina.runtime import gguf_facts
from afina.runtime.renderer import renderer_of
from afina.settings import RuntimeSettings
from afina.store.paths import disk_errors, write_json

STEPS = 2
REST = 1.2e9
"""Memory beside the file's own pages: libraries, the largest matrix in float32, the server's context."""


def deliver(
    trained: Trained, out: Path, settings: RuntimeSettings, target: Target, *, tell: Tell = unheard
) -> Exported:
    """Write `out` (a .gguf path), with `Modelfile` and `out.json` (the card) beside it.

    A GGUF without an adapter on it is not copied: `out` links to it.

    Raises:
        ExportError: it does not answer like the base with the adapter on it. ModelError: base or adapter cannot be used, or
            memory is too small. DiskFullError: no space left.
    """
    if trained.base.is_dir():
        return export_model(trained, out, settings, target, tell=tell)
    if out.is_dir() or out.suffix != ".gguf":
        raise ExportError(f"{out} is no path of a .gguf file", remedy=f"e.g. {out / 'model.gguf'}")
    facts = gguf_facts(trained.base)
    require_available(
        facts.size + REST,
        f"comparing {trained.base.name}",
        remedy="close other programs, or use a smaller base",
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    with disk_errors(out), tempfile.TemporaryDirectory(prefix=".export-", dir=out.parent) as scratch:
        made = Path(scratch) / "made.gguf"
        tell(0, STEPS, target.form if trained.adapter else "link")
        changed = make(trained, made, target)
        tell(1, STEPS, "parity")
        kind = facts.kind
        same = trained.adapter is None or target.form == "adapter"
        check = Check(quantisation=kind, log=Path(scratch) / "worker.log", same_weights=same)
        parity = check_parity(trained, made, settings, check)
        require_delivered(parity, kind, rounded=not same)
        source = source_of(trained, out, target, settings)
        text = write_modelfile(source, renderer_of(trained.base), system=target.system, adds_bos=parity.adds_bos)
        out.with_name("Modelfile").write_text(text, "utf-8")
        card = delivered_card(target, kind, changed, parity, size=made.stat().st_size)
        card |= command_card(source, out)
        write_json(out.with_name(f"{out.name}.json"), card)
        made.replace(out)
    return Exported(out, out.with_name("Modelfile"), card)


def require_delivered(parity: Parity, kind: str, *, rounded: bool) -> None:
    """Refuse a file that does not answer like its model. `rounded`: its tuned matrices were rounded to the file's types again.

    Raises:
        ExportError: says which comparison failed, and what to do.
    """
    try:
        require_parity(parity, quantisation=kind)
    except ExportError as exc:
        if not rounded:
            raise
        remedy = 'keep the adapter beside its base: [export] form = "adapter" (`afina export --form adapter`)'
        raise ExportError(str(exc), remedy=f"what was learnt is lost in {kind}'s rounding: {remedy}") from exc


def make(trained: Trained, made: Path, target: Target) -> int:
    """The file. Returns how many matrices an adapter changes in it."""
    if trained.adapter is None:
        made.symlink_to(trained.base)
        return 0
    if target.form == "adapter":
        return write_adapter_gguf(trained.base, trained.adapter, made, name=target.name)
    return merge_into_gguf(trained.base, trained.adapter, made)


def source_of(trained: Trained, out: Path, target: Target, settings: RuntimeSettings) -> Source:
    """What a Modelfile names."""
    if trained.adapter is None or target.form == "merged":
        return Source(f"./{out.name}", context=settings.context)
    return Source(str(trained.base), f"./{out.name}", context=settings.context)


def delivered_card(target: Target, kind: str, changed: int, parity: Parity, *, size: int) -> dict[str, Any]:
    """What is known of a file: its name, types, size, and how it compares with what it was made from."""
    return {
        "name": target.name,
        "quantisation": kind,
        "form": target.form,
        "changed_matrices": changed,
        "bytes": size,
        "parity": {kind: asdict(parity)},
        "ollama": "Modelfile written, not run with Ollama",
    }


def command_card(source: Source, out: Path) -> dict[str, str]:
    """How llama.cpp's own server serves it."""
    adapter = f" --lora {out.name}" if source.adapter else ""
    return {"llama_server": f"llama-server -m {source.file}{adapter} -c {source.context} --jinja"}
