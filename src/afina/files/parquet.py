"""Parquet files: rows in and out, some thousands in memory at once."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from afina.errors import InputError
from afina.files.rows import SourceRow
from afina.store.paths import disk_errors

AT_ONCE = 5000


def read_parquet(path: Path) -> Iterator[SourceRow]:
    """Rows with their number from 1.

    Raises:
        InputError: it is missing or no Parquet file.
    """
    import pyarrow.parquet as pq  # 0.3 s: only where a Parquet file is touched
    from pyarrow.lib import ArrowInvalid

    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        with pq.ParquetFile(path) as file:
            number = 0
            for batch in file.iter_batches(batch_size=AT_ONCE):
                for values in batch.to_pylist():
                    number += 1
                    yield SourceRow(number, values)
    except (ArrowInvalid, OSError) as exc:
        raise InputError(f"{path}: no readable Parquet file ({exc})") from exc


def write_parquet(path: Path, rows: Iterable[dict[str, Any]], columns: Sequence[str]) -> None:
    """Rows of texts and numbers; lists and objects as the JSON of them is left to the caller. Equal rows are equal bytes.

    Raises:
        DiskFullError: the disk is full.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    held = list(rows)
    table = pa.table({name: pa.array([row.get(name) for row in held]) for name in columns})
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.partial")
    try:
        with disk_errors(path):
            pq.write_table(table, temporary, compression="zstd")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
