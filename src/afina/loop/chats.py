"""A JSONL file of chats → turns, for training from file to file."""

from pathlib import Path

from afina.capture.conversations import read_turns
from afina.files.rows import read_rows
from afina.records import Turn


def read_chats(path: Path) -> list[tuple[Turn, ...]]:
    """Rows `{"messages": [{"role": …, "content": …}, …]}`.

    Raises:
        InputError: names file, line and what is wrong with the row.
    """
    return [turns for _, turns in placed_chats(path)]


def placed_chats(path: Path) -> list[tuple[str, tuple[Turn, ...]]]:
    """The same, each with its file and line in words, for what is found wrong with it later.

    Raises:
        InputError: names file, line and what is wrong with the row.
    """
    return [(f"{path}, line {row.line}", read_turns(path, row)) for row in read_rows(path)]
