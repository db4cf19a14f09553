"""`afina learn`: a plain labelled file through the whole middle of the wheel, without a database."""

import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from afina.curate import Candidate, Curated, class_name_notices, curate
from afina.errors import InputError
from afina.files import NOTICES, SourceRow, cell_text, read_rows, require_columns
from afina.freeze.freeze import freeze
from afina.loop.assess import assess_labels
from afina.loop.freezing import freeze_note
from afina.loop.narrate import Narrator, Stages
from afina.loop.tune import base_stage, export_stage, recommended_training, task_report, train_stage
from afina.records import Rejection
from afina.settings import Settings
from afina.store.paths import write_json


def label_columns(label: str) -> dict[str, list[str]]:
    """`a,b+c` → {"a": ["a"], "b+c": ["b", "c"]}: a comma parts fields, a plus joins columns into one label.

    Raises:
        InputError: a name is empty or there twice.
    """
    fields = {name.strip(): [part.strip() for part in name.split("+")] for name in label.split(",")}
    if any(not part for parts in fields.values() for part in parts) or len(fields) != len(label.split(",")):
        raise InputError(
            f"--label {label!r}: an empty or repeated column name", remedy="e.g. --label intent or --label topic,intent"
        )
    return fields


def labelled(path: Path, *, text: str, fields: dict[str, list[str]]) -> list[Candidate]:
    """Rows of a file as candidates.

    Raises:
        InputError: names file, line and column.
    """
    rows = read_rows(path)
    require_columns(path, rows, [text, *(column for columns in fields.values() for column in columns)])
    return [candidate(path, row, text=text, fields=fields) for row in rows]


def curated_file(
    path: Path, settings: Settings, *, text: str, fields: dict[str, list[str]]
) -> tuple[Curated, list[str]]:
    """A file's examples, and what looks wrong with the names of its classes, which is also said."""
    rows = labelled(path, text=text, fields=fields)
    notices = class_name_notices((int(row.id.rpartition(":")[2]), row.target) for row in rows)
    for notice in notices:
        NOTICES.warning("%s: %s", path, notice)
    return curate(rows, settings.curate), notices


def candidate(path: Path, row: SourceRow, *, text: str, fields: dict[str, list[str]]) -> Candidate:
    """One row. Joined labels are written with a dot between their parts."""
    target = {name: ".".join(cell_text(path, row, column) for column in columns) for name, columns in fields.items()}
    return Candidate(id=f"{path.name}:{row.line}", text=cell_text(path, row, text), target=target)


def learn(
    data: Path,
    settings: Settings,
    narrator: Narrator,
    *,
    text: str,
    label: str,
    folder: Path,
    test: Path | None = None,
    minutes: float = 0,
    resume: bool = False,
) -> dict[str, Any]:
    """Turn a labelled file into a tuned model and an honest report, which is also written to `folder/report.json`.

    Raises:
        InputError, NotEnoughDataError: the file cannot be learnt from; says where and why.
    """
    fields = label_columns(label)
    settings = with_minutes(settings, minutes)
    stages = Stages(narrator)
    names = list(fields)
    with stages.stage("curate"):
        curated, notices = curated_file(data, settings, text=text, fields=fields)
        held_out = curated_file(test, settings, text=text, fields=fields)[0] if test else None
        write_rejects(folder, [*curated.rejections, *(held_out.rejections if held_out else ())])
        stages.note = f"{len(curated.examples)} kept, {len(curated.rejections)} rejected"
    with stages.stage("freeze"):
        dataset = freeze(
            curated.examples,
            settings.freeze,
            task=data.stem,
            fields=names,
            test=held_out.examples if held_out else None,
        )
        stages.note = freeze_note(dataset, least=settings.evaluate.min_items)
    if not resume:
        shutil.rmtree(folder / dataset.id / "run", ignore_errors=True)
    own, name = folder / dataset.id, safe_name(data.stem)
    base = base_stage(settings, stages, folder=folder / "bases")
    run = train_stage(dataset, settings, stages, run_folder=own / "run", resume=resume)
    gguf = own / "model" / f"{name}-{settings.export.quantisation}.gguf"
    exported = export_stage(dataset, settings, stages, adapter=Path(run.adapter), out=gguf, name=name)
    found = assess_labels(
        dataset, settings, stages, base=base, tuned=exported.gguf,
        folder=own / "evaluation",
    )  # fmt: skip
    write_json(own / "verdict.json", found.judged)
    entry = task_report(
        dataset, settings, base=found.base, tuned=found.tuned, yardsticks=found.yardsticks, verdict=found.verdict,
        gguf=exported.gguf, seconds=stages.seconds,
    )  # fmt: skip
    entry["rejected"] = dict(Counter(r.reason for r in curated.rejections))
    entry["notices"] += notices
    report = {"tasks": [entry]}
    write_json(folder / "report.json", report)
    return report


def with_minutes(settings: Settings, minutes: float) -> Settings:
    """The settings with their training schedule bounded."""
    config = recommended_training(settings.base.model, settings.train)
    bounded = config.training.model_copy(update={"minutes": minutes})
    return settings.model_copy(update={"train": config.model_copy(update={"training": bounded})})


def write_rejects(folder: Path, rejections: Sequence[Rejection]) -> None:
    """Keep what was rejected where a person can read it."""
    write_json(folder / "rejects.json", [{"source": r.source, "text": r.text, "reason": r.reason} for r in rejections])


def safe_name(stem: str) -> str:
    """A file stem as a model name: lower case, digits, dots and dashes."""
    return "".join(c if c.isalnum() and c.isascii() else "-" for c in stem.lower()).strip("-") or "model"
