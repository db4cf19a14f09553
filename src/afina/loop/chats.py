"""A JSONL file of chats → turns."""

from pathlib import Path

from afina.capture.rows import read_rows
from afina.errors import InputError
from afina.records import Turn

ROLES = {"system", "user", "assistant"}


def read_chats(path: Path) -> list[tuple[Turn, ...]]:
    """Rows `{"messages": [{"role": …, "content": …}, …]}`.

    Raises:
        InputError: names file, line and what is wrong with the row.
    """
    chats = []
    for row in read_rows(path):
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
        chats.append(tuple(turns))
    return chats
