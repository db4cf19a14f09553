"""Rows with a chat: `{"messages": [{"role": …, "content": …}, …]}`."""

from pathlib import Path

from afina.files.forms import ChatRow, checked, place
from afina.files.rows import SourceRow, read_rows
from afina.records import Turn


def read_turns(path: Path, row: SourceRow) -> tuple[Turn, ...]:
    """The turns of a row.

    Raises:
        InputError: names file, line and what is wrong.
    """
    chat = checked(ChatRow, row.values, place(path, row))
    return tuple(Turn(message.role, message.content) for message in chat.messages)


def read_chats(path: Path) -> list[tuple[Turn, ...]]:
    """Every chat of a file.

    Raises:
        InputError: names file, line and what is wrong with the row.
    """
    return [turns for _, turns in placed_chats(path)]


def placed_chats(path: Path) -> list[tuple[str, tuple[Turn, ...]]]:
    """The same, each with its file and line in words, for what is found wrong with it later.

    Raises:
        InputError: names file, line and what is wrong with the row.
    """
    return [(place(path, row), read_turns(path, row)) for row in read_rows(path)]
