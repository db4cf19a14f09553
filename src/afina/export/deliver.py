"""A base, with an adapter on it or without, as a served file: converted from a model folder, or merged into the GGUF that it is."""

import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from afina.bases.memory import require_available
from afina.errors import ExportError
from afina.export.export import Exported, Target, export_model
from afina.export.gguf_merge import merge_into_gguf
from afina.export.merge import Trained
from afina.export.modelfile import write_modelfile
from afina.export.parity import Check, Parity, check_parity, require_parity
from afina.progress import Tell, unheard
from afina.runtime import gguf_facts
from afina.runtime.renderer import renderer_of
from afina.settings import RuntimeSettings
from afina.store.paths import disk_errors, write_json

STEPS = 2
BYTES_A_WEIGHT = 5.0
"""Memory that the comparison with the decoded model takes: float32, and the server's file beside it."""


def deliver(
    trained: Trained, out: Path, settings: RuntimeSettings, target: Target, *, tell: Tell = unheard
) -> Exported:
    """Write `out` (a .gguf path), with `Modelfile` and `out.json` (the card) beside it.

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
        BYTES_A_WEIGHT * facts.parameters,
        f"comparing {trained.base.name}",
        remedy="close other programs, or use a smaller base",
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    with disk_errors(out), tempfile.TemporaryDirectory(prefix=".export-", dir=out.parent) as scratch:
        made = Path(scratch) / "made.gguf"
        tell(0, STEPS, "merge")
        changed = merge_into_gguf(trained.base, trained.adapter, made)
        tell(1, STEPS, "parity")
        kind = facts.quantisation.lower()
        check = Check(quantisation=kind, log=Path(scratch) / "worker.log")
        parity = check_parity(trained, made, settings, check)
        require_parity(parity, quantisation=kind)
        write_modelfile_of(trained.base, out, target, parity)
        card = merged_card(target, kind, changed, parity, size=made.stat().st_size)
        write_json(out.with_name(f"{out.name}.json"), card)
        shutil.move(made, out)
    return Exported(out, out.with_name("Modelfile"), card)


def write_modelfile_of(base: Path, out: Path, target: Target, parity: Parity) -> None:
    """The Modelfile beside the file."""
    text = write_modelfile(out.name, renderer_of(base), system=target.system, adds_bos=parity.adds_bos)
    out.with_name("Modelfile").write_text(text, "utf-8")


def merged_card(target: Target, kind: str, changed: int, parity: Parity, *, size: int) -> dict[str, Any]:
    """What is known of a file: its name, types, size, and how it compares with what it was made from."""
    return {
        "name": target.name,
        "quantisation": kind,
        "changed_matrices": changed,
        "bytes": size,
        "parity": {kind: asdict(parity)},
        "ollama": "Modelfile written, not run with Ollama",
    }
