"""Text files and folders of them → rows, beside the files that have rows already."""

from pathlib import Path

from afina.errors import InputError
from afina.files.rows import SourceRow, read_rows
from afina.files.text_files import read_text

TEXTS = {".txt", ".md"}
ROWS = {".jsonl", ".ndjson"}


def read_source(path: Path) -> list[SourceRow]:
    """The rows of a file; of a text file one row (`text`, `id`), of a folder those of all files below it, by name.

    Raises:
        InputError: nothing there, an empty document, or a file that cannot be read; names file and line.
    """
    if path.is_dir():
        files = sorted(f for f in path.rglob("*") if f.is_file() and f.suffix.lower() in TEXTS | ROWS)
        if not files:
            raise InputError(f"{path}: no .txt, .md or .jsonl file in this folder")
        rows = []
        for number, file in enumerate(files, start=1):
            name = str(file.relative_to(path))
            for row in read_source(file):
                own = {**row.values, "id": str(row.values.get("id") or f"{name}:{row.line}")}
                rows.append(SourceRow(number, own | ({"id": name} if file.suffix.lower() in TEXTS else {})))
        return rows
    if path.suffix.lower() not in TEXTS:
        return read_rows(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file or folder")
    text = read_text(path)
    if not text.strip():
        raise InputError(f"{path}: the document is empty")
    return [SourceRow(1, {"text": text, "id": path.name})]


def read_documents(path: Path) -> list[str]:
    """A text file is one document, a JSONL file one per row (`text`), a folder all such files below it, by name.

    Raises:
        InputError: nothing there, not text, an empty document, or a row without `text`; names file and line.
    """
    if path.is_file() and path.suffix.lower() not in TEXTS | ROWS:
        raise InputError(f"{path}: unknown kind of document", remedy="use .txt, .md or .jsonl, or a folder of them")
    if path.is_dir():
        files = sorted(f for f in path.rglob("*") if f.is_file() and f.suffix.lower() in TEXTS | ROWS)
        if not files:
            raise InputError(f"{path}: no .txt, .md or .jsonl file in this folder")
        return [text for file in files for text in read_documents(file)]
    if not path.exists():
        raise InputError(f"{path}: no such file or folder")
    return [row_text(path, row.line, row.values.get("text")) for row in read_source(path)]


def row_text(path: Path, line: int, text: object) -> str:
    """The document of a row.

    Raises:
        InputError: it has none.
    """
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"{path}, line {line}: a row needs a text `text`")
    return text
