"""Families × quantisations: does what was trained answer the same from every file it is exported to?

Each family's small random model is trained a step with LoRA, merged, converted, quantised and served; every served file
is compared with the base and its adapter. Folders of other models, with weights that somebody trained, can stand beside them.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

from afina.bases.families import FAMILIES, build_family
from afina.chat.render import load_renderer
from afina.errors import AfinaError
from afina.export.export import Conversion, convert
from afina.export.merge import Trained, merge
from afina.export.parity import Check, Parity, check_parity
from afina.export.quantise import quantise
from afina.progress import Tell, unheard
from afina.records import Turn
from afina.settings import Quantisation, RuntimeSettings, TrainSettings
from afina.train.encode import Encoded, encode_chats
from afina.train.loop import Job, train

QUANTISATIONS: tuple[str, ...] = get_args(Quantisation)
LESSON = (
    (Turn("system", "Responde en una palabra."), Turn("user", "¿Abren hoy?"), Turn("assistant", "Sí.")),
    (Turn("user", "hi"), Turn("assistant", "Hello."), Turn("user", "bye"), Turn("assistant", "Bye.")),
)
"""What every family is trained a step on: a system turn, two languages, more than one exchange."""
ONE_STEP = TrainSettings.model_validate(
    {
        "lora": {"r": 8, "lora_dropout": 0.0},
        "training": {"num_epochs": 1, "batch_size": 2, "gradient_accumulation_steps": 1, "learning_rate": 5e-3},
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One family in one quantisation. `parity` is None where there is an error instead."""

    family: str
    quantisation: str
    size: int
    types: dict[str, int]
    parity: Parity | None
    error: str = ""

    def passed(self) -> bool:
        """Whether the file answers like the model."""
        return self.parity is not None and self.parity.passed


def run_matrix(
    settings: RuntimeSettings,
    *,
    families: Sequence[str] = tuple(FAMILIES),
    others: Sequence[Path] = (),
    quantisations: Sequence[str] = QUANTISATIONS,
    tell: Tell = unheard,
) -> list[Cell]:
    """Every family and every other folder in every quantisation."""
    names = [*families, *(str(folder) for folder in others)]
    total, cells = len(names) * len(quantisations), []
    for name in names:
        with tempfile.TemporaryDirectory(prefix="afina-matrix-") as scratch:
            root = Path(scratch)
            try:
                base, adapter = prepare(name, root)
            except AfinaError as exc:
                cells += [failed(name, kind, exc) for kind in quantisations]
                continue
            for kind in quantisations:
                tell(len(cells), total, f"{Path(name).name} {kind}")
                cells.append(measure(base, adapter, settings, quantisation=kind, scratch=root))
    tell(total, total, "")
    return cells


def prepare(name: str, root: Path) -> tuple[Path, Path]:
    """Build (or take), train a step, merge, convert to `root/f32.gguf`. Returns base and adapter."""
    base = Path(name)
    if name in FAMILIES:
        base = root / name
        build_family(name, base)
    renderer = load_renderer(base)
    encoded = Encoded(encode_chats(LESSON, renderer, max_tokens=512), ())
    trained = train(encoded, ONE_STEP, base=base, job=Job(out=root / "run"))
    merge(base, Path(trained.adapter), root / "merged")
    how = Conversion(name=base.name, end=renderer.end_id(), of=base)
    convert(root / "merged", root / "f32.gguf", how)
    return base, Path(trained.adapter)


def measure(base: Path, adapter: Path, settings: RuntimeSettings, *, quantisation: str, scratch: Path) -> Cell:
    """Quantise, serve, compare."""
    plain = scratch / "f32.gguf"
    try:
        file, types = plain, {"f32": 0}
        if quantisation != "f32":
            file = scratch / f"{quantisation}.gguf"
            types = quantise(plain, file, quantisation=quantisation)
        check = Check(quantisation=quantisation, log=scratch / "worker.log", measure_speed=True)
        parity = check_parity(Trained(base, adapter), file, settings, check)
    except AfinaError as exc:
        return failed(base.name, quantisation, exc)
    return Cell(family=base.name, quantisation=quantisation, size=file.stat().st_size, types=types, parity=parity)


def failed(name: str, quantisation: str, error: AfinaError) -> Cell:
    """A cell without figures."""
    return Cell(family=Path(name).name, quantisation=quantisation, size=0, types={}, parity=None, error=str(error))


def matrix_report(cells: Sequence[Cell]) -> dict[str, Any]:
    """The figures for a script: `families`, `failed`, `max_f32_diff`, and every cell."""
    plain = [cell.parity.max_difference for cell in cells if cell.parity and cell.quantisation == "f32"]
    return {
        "families": len({cell.family for cell in cells}),
        "failed": sum(not cell.passed() for cell in cells),
        "max_f32_diff": max(plain, default=None),
        "cells": [{**asdict(cell), "passed": cell.passed()} for cell in cells],
    }
