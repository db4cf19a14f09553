"""Text files → documents to go on pretraining with."""

from pathlib import Path

from afina.errors import InputError
from afina.files import read_rows, read_text

TEXTS = {".txt", ".md"}
ROWS = {".jsonl", ".ndjson"}


def read_documents(path: Path) -> list[str]:
    """A text file is one document, a JSONL file one per row (`text`), a folder all such files below it, by name.

    Raises:
        InputError: nothing there, not UTF-8, an empty document, or a row without `text`; names file and line.
    """
    if path.is_dir():
        files = sorted(f for f in path.rglob("*") if f.is_file() and f.suffix.lower() in TEXTS | ROWS)
        if not files:
            raise InputError(f"{path}: no .txt, .md or .jsonl file in this folder")
        return [text for file in files for text in read_documents(file)]
    if path.suffix.lower() in ROWS:
        return [row_text(path, row.line, row.values.get("text")) for row in read_rows(path)]
    if not path.is_file():
        raise InputError(f"{path}: no such file or folder")
    if path.suffix.lower() not in TEXTS:
        raise InputError(f"{path}: unknown kind of document", remedy="use .txt, .md or .jsonl, or a folder of them")
    text = read_text(path)
    if not text.strip():
        raise InputError(f"{path}: the document is empty")
    return [text]


def row_text(path: Path, line: int, text: object) -> str:
    """The document of a row.

    Raises:
        InputError: it has none.
    """
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"{path}, line {line}: a row needs a text `text`")
    return text
