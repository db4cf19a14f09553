"""A file through the steps of curation."""

import json
from pathlib import Path
from typing import Any

import pytest

from afina.errors import DiskFullError, InputError
from afina.flows import curate_file as under_test
from afina.flows.curate_file import FileJob, curate_file
from afina.progress import Silent, Stages
from afina.settings import make_settings
from tests.integration.people import said

LABELLED = [
    {"id": 1, "text": said(1), "label": "a"},
    {"id": 2, "text": said(2), "label": "b"},
    {"id": 3, "text": f" {said(1).upper()}", "label": "a"},
    {"id": 4, "text": f"mi rut es 12.345.678-5 y {said(4)}", "label": "b"},
    {"id": 5, "text": "x", "label": "a"},
    {"id": 6, "text": "😀😀😀", "label": "c"},
    {"id": 7, "text": "مرحبا كيف حالك اليوم يا صديقي", "label": "c"},
]
CHAT = {
    "messages": [
        {"role": "user", "content": "¿Cuánto cuesta la taza?"},
        {"role": "assistant", "content": "Cuesta $ 5.000 y hay en azul."},
        {"role": "user", "content": "¡Perfecto, muchas gracias!"},
    ]
}


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    """As JSONL."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def read(path: Path) -> list[dict[str, Any]]:
    """JSONL."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def curated(
    folder: Path, rows: list[dict[str, Any]], **flags: Any
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What was kept, and what was not."""
    job = FileJob(
        data=written(folder / "in.jsonl", rows), output=folder / "kept.jsonl", rejects=folder / "rejects.jsonl"
    )
    curate_file(job, make_settings(flags), Stages(Silent()))
    return read(folder / "kept.jsonl"), read(folder / "rejects.jsonl")


def test_every_row_is_in_one_of_the_two_files(tmp_path: Path) -> None:
    """As it came, with its texts scrubbed; a rejected one with line, step and reason."""
    kept, rejects = curated(tmp_path, LABELLED, task={"fields": ["label"]})

    assert [row["id"] for row in kept] == [2, 3, 4, 6, 7]
    assert kept[2]["text"].startswith("mi rut es [RUT] y ")
    assert [(row["id"], row["line"], row["step"]) for row in rejects] == [(1, 1, "exact_duplicates"), (5, 5, "rules")]
    assert rejects[1]["reason"] == "shorter than 2 characters"


def test_a_chat_keeps_its_form(tmp_path: Path) -> None:
    """Up to the answer that is learnt."""
    kept, _ = curated(tmp_path, [CHAT], task={"kind": "chat"})

    assert kept == [{"messages": CHAT["messages"][:2]}]


def test_twice_changes_nothing(tmp_path: Path) -> None:
    """What was kept is kept whole."""
    kept, _ = curated(tmp_path, LABELLED, task={"fields": ["label"]})

    again, rejects = curated(tmp_path, kept, task={"fields": ["label"]})

    assert again == kept
    assert not rejects


def test_parquet_is_read_like_jsonl(tmp_path: Path) -> None:
    """The same rows, the same judgement."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist(LABELLED), tmp_path / "in.parquet")
    job = FileJob(data=tmp_path / "in.parquet", output=tmp_path / "kept.jsonl")
    curate_file(job, make_settings({"task": {"fields": ["label"]}}), Stages(Silent()))

    assert [row["id"] for row in read(tmp_path / "kept.jsonl")] == [2, 3, 4, 6, 7]


def test_a_full_disk_leaves_neither_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing half-written is taken for whole."""
    import errno

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(under_test, "put", full)
    with pytest.raises(DiskFullError):
        curated(tmp_path, LABELLED, task={"fields": ["label"]})

    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([{"text": "hola", "other": "x"}], "no column 'label'"),
        ([{"text": "hola", "label": "a", "rating": "viel"}], "line 1: column 'rating'"),
    ],
)
def test_bad_rows_are_named_by_line_and_column(tmp_path: Path, rows: list[dict[str, Any]], why: str) -> None:
    """Before anything is written."""
    with pytest.raises(InputError, match=why):
        curated(tmp_path, rows, task={"fields": ["label"]})

    assert not (tmp_path / "kept.jsonl").exists()
