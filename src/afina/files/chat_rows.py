"""Rows with a chat: `{"messages": [{"role": …, "content": …}, …]}`."""

from pathlib import Path

from afina.errors import InputError
from afina.files.rows import SourceRow, read_rows
from afina.records import Turn

ROLES = {"system", "user", "assistant"}


def read_turns(path: Path, row: SourceRow) -> tuple[Turn, ...]:
    """The turns of a row.

    Raises:
        InputError: names file, line and what is wrong.
    """
    messages = row.values.get("messages")
    if not isinstance(messages, list) or not messages:
        raise InputError(f"{path}, line {row.line}: no list `messages`")
    turns = []
    for message in messages:
        role = message.get("role") if isinstance(message, dict) else None
        content = message.get("content") if isinstance(message, dict) else None
        if role not in ROLES or not isinstance(content, str):
            raise InputError(
                f"{path}, line {row.line}: a message needs `role` (system, user, assistant) and a text `content`"
            )
        turns.append(Turn(role, content))
    return tuple(turns)


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
    return [(f"{path}, line {row.line}", read_turns(path, row)) for row in read_rows(path)]
