"""Parquet files as rows."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from afina.errors import InputError
from afina.files.parquet import read_parquet
from afina.flows.datasets import write_table


def test_rows_come_back_with_their_number(tmp_path: Path) -> None:
    """Chats as lists of messages; what is said beside them is JSON."""
    rows = [{"messages": [{"role": "user", "content": f"hola {n}"}], "metadata": {"n": n}} for n in range(3)]
    write_table(tmp_path / "a.parquet", rows)

    found = list(read_parquet(tmp_path / "a.parquet"))

    assert [row.line for row in found] == [1, 2, 3]
    assert found[2].values == {"messages": rows[2]["messages"], "metadata": '{"n": 2}'}


def test_equal_rows_are_equal_bytes(tmp_path: Path) -> None:
    """A dataset that is frozen again has the same files."""
    for name in ("a", "b"):
        write_table(tmp_path / f"{name}.parquet", [{"messages": [], "metadata": {"x": "ñ"}}])

    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


@pytest.mark.parametrize("raw", [b"", b"no parquet", None])
def test_what_is_none_is_refused(tmp_path: Path, raw: bytes | None) -> None:
    """By the name of the file."""
    path = tmp_path / "a.parquet"
    if raw is not None:
        path.write_bytes(raw)

    with pytest.raises(InputError, match=r"a\.parquet"):
        list(read_parquet(path))


def test_large_files_are_read_in_pieces(tmp_path: Path) -> None:
    """Row groups of any size."""
    pq.write_table(pa.table({"text": [str(n) for n in range(12_001)]}), tmp_path / "a.parquet")

    assert sum(int(row.values["text"]) == row.line - 1 for row in read_parquet(tmp_path / "a.parquet")) == 12_001
