"""Where should a record go before the reply ends: an append-only file or SQLite in WAL mode? The same sealed records, one at a time.

    python -m bench.spool [--records 5000] [--folder DIR]

Ours: `afina.capture.spool`, synced within 50 ms, and before every return. SQLite: WAL with `synchronous=NORMAL`, which syncs at checkpoints only, and
`FULL`, which syncs at every commit; a table with an integer key, one transaction a record. Records of 1.5 KB of JSON, sealed for both. Prints one
JSON line: milliseconds of one record, median and 99th percentile, for each way; `ratio_p99` is SQLite NORMAL's over ours with 50 ms.
"""

import argparse
import json
import secrets
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from afina.capture.spool import NONCE, Spool, SpoolOptions, read_seal

RECORD = json.dumps({"text": "¿Cuánto sale el envío a Puerto Montt?" * 30, "answer": "Sale $3.990." * 20}).encode()


def times_of(append: Callable[[bytes], None], records: int) -> dict[str, float]:
    """Milliseconds of one record."""
    took = []
    for _ in range(records):
        began = time.perf_counter()
        append(RECORD)
        took.append((time.perf_counter() - began) * 1000)
    return {"p50_ms": round(statistics.median(took), 3), "p99_ms": round(statistics.quantiles(took, n=100)[98], 3)}


def ours(folder: Path, records: int, *, sync_ms: float) -> dict[str, float]:
    """The spool."""
    spool = Spool(folder, SpoolOptions(sync_ms=sync_ms))
    try:
        return times_of(spool.append, records)
    finally:
        spool.close()


def sqlite(folder: Path, records: int, *, synchronous: str) -> dict[str, float]:
    """SQLite."""
    folder.mkdir()
    seal = read_seal(folder, None)
    with sqlite3.connect(folder / "spool.sqlite", isolation_level=None) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={synchronous}")
        connection.execute("CREATE TABLE records (id INTEGER PRIMARY KEY, sealed BLOB)")

        def append(record: bytes) -> None:
            nonce = secrets.token_bytes(NONCE)
            connection.execute("INSERT INTO records (sealed) VALUES (?)", (nonce + seal.encrypt(nonce, record, None),))

        return times_of(append, records)


def main() -> None:
    """Run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=5000)
    parser.add_argument("--folder", type=Path, help="on the disk to measure; default: a temporary folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as scratch:
        folder = Path(scratch)
        found = {
            "spool_50ms": ours(folder / "a", options.records, sync_ms=50),
            "spool_at_once": ours(folder / "b", options.records, sync_ms=0),
            "sqlite_normal": sqlite(folder / "c", options.records, synchronous="NORMAL"),
            "sqlite_full": sqlite(folder / "d", options.records, synchronous="FULL"),
        }
    ratio = found["sqlite_normal"]["p99_ms"] / found["spool_50ms"]["p99_ms"]
    sys.stdout.write(json.dumps({**found, "ratio_p99": round(ratio, 2)}) + "\n")


if __name__ == "__main__":
    main()
