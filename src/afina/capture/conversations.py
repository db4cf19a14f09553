"""A JSONL file of conversations → records.

Rows `{"messages": [{"role", "content"}, …]}` with optional `id` and `product`. A conversation may end with the customer's
turn: that is the evidence of what the last answer was worth.
"""

from pathlib import Path

from afina.errors import InputError
from afina.files.rows import SourceRow, read_rows
from afina.records import Conversation, Turn

ROLES = {"system", "user", "assistant"}


def read_conversations(path: Path) -> list[Conversation]:
    """Every row of a file.

    Raises:
        InputError: names file, line and what is wrong with the row; or two rows have one id.
    """
    conversations: list[Conversation] = []
    seen: dict[str, int] = {}
    for row in read_rows(path):
        name = str(row.values.get("id") or f"{path.name}:{row.line}")
        if name in seen:
            raise InputError(f"{path}, line {row.line}: the id {name!r} is on line {seen[name]} too")
        seen[name] = row.line
        conversations.append(
            Conversation(id=name, turns=read_turns(path, row), product=str(row.values.get("product") or ""))
        )
    return conversations


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
