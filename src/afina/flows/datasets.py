"""Frozen datasets as files: written, checked, compared, given to other trainers."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from afina.errors import InputError
from afina.files.rows import as_lines
from afina.files.training_forms import FORMS
from afina.records import Dataset, Example, Split
from afina.store.paths import read_json, write_json, write_whole

CARD = "card.json"
TABLES = ("parquet", "hf")


def write_files(dataset: Dataset, folder: Path) -> None:
    """The dataset as JSONL and Parquet, one file a split, and its card with their hashes, which comes last."""
    hashes = {}
    for split in Split:
        rows = [row for example in dataset.part(split) for row in FORMS["chat"](example, dataset.prompt)]
        write_whole(folder / f"{split.value}.jsonl", as_lines(rows))
        write_table(folder / f"{split.value}.parquet", rows)
        for suffix in ("jsonl", "parquet"):
            hashes[f"{split.value}.{suffix}"] = sha256(folder / f"{split.value}.{suffix}")
    write_json(folder / CARD, {"id": dataset.id, **dataset.card, "files": hashes})


def write_table(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Rows as Parquet; what a row says beside its texts is the JSON of it. Equal rows are equal bytes.

    Raises:
        DiskFullError: the disk is full; the file is not there then.
    """
    import pyarrow as pa  # 0.3 s: only where a Parquet file is touched
    import pyarrow.parquet as pq

    names = list(dict.fromkeys(name for row in rows for name in row)) or ["messages", "metadata"]
    told = [json.dumps(row["metadata"], ensure_ascii=False) if "metadata" in row else None for row in rows]
    columns = {name: told if name == "metadata" else [row.get(name) for row in rows] for name in names}
    written = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), written, compression="zstd")
    write_whole(path, written.getvalue().to_pybytes())


def sha256(path: Path) -> str:
    """The hash of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def check_files(folder: Path) -> list[str]:
    """What is wrong with a dataset's files; nothing where each is as it was written.

    Raises:
        StoreError: there is no card.
    """
    card = read_json(folder / CARD)
    found = []
    for name, wanted in card.get("files", {}).items():
        path = folder / name
        if not path.is_file():
            found.append(f"{path} is missing")
        elif sha256(path) != wanted:
            found.append(f"{path} was changed since it was frozen")
    return found


def difference(old: Dataset, new: Dataset) -> dict[str, Any]:
    """What another version of a dataset has more, less, elsewhere, and with another answer."""
    before, after = placed_rows(old), placed_rows(new)
    answers_before, answers_after = answered(before), answered(after)
    again = {
        turns for turns in answers_before.keys() & answers_after.keys() if answers_before[turns] != answers_after[turns]
    }
    added = [key for key in after if key not in before]
    removed = [key for key in before if key not in after]
    moved = [key for key in after if key in before and after[key] != before[key]]
    classes_before, classes_after = (Counter(e.stratum for part in Split for e in one.part(part)) for one in (old, new))
    return {
        "old": old.id,
        "new": new.id,
        "added": len(added),
        "removed": len(removed),
        "moved": len(moved),
        "answered_otherwise": len(again),
        "classes": {
            name.replace("\x1f", " / "): classes_after[name] - classes_before[name]
            for name in sorted(classes_before.keys() | classes_after.keys())
            if classes_after[name] != classes_before[name]
        },
        "rows": [
            *({"change": "added", "to": after[key].value, **as_shown(key)} for key in added),
            *({"change": "removed", "from": before[key].value, **as_shown(key)} for key in removed),
            *({"change": "moved", "from": before[key].value, "to": after[key].value, **as_shown(key)} for key in moved),
        ],
    }


Key = tuple[tuple[str, ...], str]


def placed_rows(dataset: Dataset) -> dict[Key, Split]:
    """What is said and answered → its part."""
    return {
        (tuple(turn.content for turn in example.turns), example.answer): part
        for part in Split
        for example in dataset.part(part)
    }


def answered(rows: Iterable[Key]) -> dict[tuple[str, ...], set[str]]:
    """What is said → its answers."""
    found: dict[tuple[str, ...], set[str]] = {}
    for said, answer in rows:
        found.setdefault(said, set()).add(answer)
    return found


def as_shown(key: Key) -> dict[str, str]:
    """A row for people."""
    said, answer = key
    return {"message": said[-1] if said else "", "answer": answer}


def export_rows(examples: Iterable[Example], form: str, prompt: str) -> Iterator[dict[str, Any]]:
    """Examples in a form.

    Raises:
        InputError: there is no such form.
    """
    if form not in FORMS:
        raise InputError(f"no form {form!r}", remedy=f"there are {', '.join([*FORMS, *TABLES])}")
    for example in examples:
        yield from FORMS[form](example, prompt)


def export_dataset(dataset: Dataset, form: str, out: Path) -> int:
    """A dataset for another trainer: a JSONL or Parquet file of what is trained on, or a folder that `datasets.load_dataset` reads.

    Returns how many rows were written.

    Raises:
        InputError: no such form, or nothing to write. DiskFullError: the disk is full; nothing is there then.
    """
    if form == "hf":
        return export_folder(dataset, out)
    rows = list(export_rows(dataset.train, "chat" if form == "parquet" else form, dataset.prompt))
    if not rows:
        raise InputError(
            f"{dataset.id} has no row in the form {form}", remedy="dpo needs corrections of answers that were given"
        )
    if form == "parquet":
        write_table(out, rows)
    else:
        write_whole(out, as_lines(rows))
    return len(rows)


def export_folder(dataset: Dataset, out: Path) -> int:
    """Parquet files by split, and a README whose head names them."""
    count = 0
    for split in Split:
        rows = list(export_rows(dataset.part(split), "chat", dataset.prompt))
        write_table(out / "data" / f"{split.value}.parquet", rows)
        count += len(rows)
    files = "".join(f"      - split: {split.value}\n        path: data/{split.value}.parquet\n" for split in Split)
    card = json.dumps(dataset.card, ensure_ascii=False, indent=2)
    head = f"---\nconfigs:\n  - config_name: default\n    data_files:\n{files}---\n"
    write_whole(out / "README.md", f"{head}\n# {dataset.task} {dataset.id}\n\n```json\n{card}\n```\n")
    return count


def write_training_file(examples: Sequence[Example], prompt: str, folder: Path) -> Path:
    """`training-dataset-<time>.jsonl`, and `training-dataset-latest.jsonl` with the same rows.

    Raises:
        InputError: there is nothing to write. DiskFullError: the disk is full; nothing half-written is there then.
    """
    rows = [row for example in examples for row in FORMS["chat"](example, prompt)]
    if not rows:
        raise InputError(
            "nothing to export: no curated example is as wanted", remedy="run `afina curate`, or ask for more"
        )
    at = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    path = folder / f"training-dataset-{at}.jsonl"
    write_whole(path, as_lines(rows))
    write_whole(folder / "training-dataset-latest.jsonl", as_lines(rows))
    return path
