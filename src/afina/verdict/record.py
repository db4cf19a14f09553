"""A verdict as JSON and back: `verdict.json`, the database, a page made later."""

from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from afina.errors import StoreError
from afina.records import Verdict
from afina.store.paths import read_json, write_json

FORMAT, VERSION = "afina-verdict", 3
ADAPTER = TypeAdapter(Verdict)


def to_json(verdict: Verdict) -> dict[str, Any]:
    """Plain data, with its format and version."""
    body: dict[str, Any] = ADAPTER.dump_python(verdict, mode="json")
    return {"format": FORMAT, "version": VERSION, "go": verdict.go, "p_value": verdict.p_value, **body}


def from_json(value: Any, *, where: str) -> Verdict:
    """The record.

    Raises:
        StoreError: it is no verdict, or one of another version; names the place.
    """
    if not isinstance(value, dict) or value.get("format") != FORMAT or value.get("version") != VERSION:
        found = value.get("version") if isinstance(value, dict) else None
        raise StoreError(
            f"{where}: no verdict of version {VERSION}" + (f" (it is of version {found})" if found else ""),
            remedy="`afina evaluate` makes it anew from the records",
        )
    own = {name: one for name, one in value.items() if name not in {"format", "version", "go", "p_value"}}
    try:
        return ADAPTER.validate_python(own)
    except ValidationError as exc:
        raise StoreError(f"{where}: a damaged verdict ({exc.errors()[0]['msg']})") from exc


def write_verdict(path: Path, verdict: Verdict) -> None:
    """Write `verdict.json`."""
    write_json(path, to_json(verdict))


def read_verdict(path: Path) -> Verdict:
    """Read `verdict.json`.

    Raises:
        StoreError: missing, damaged, or of another version.
    """
    return from_json(read_json(path), where=str(path))
