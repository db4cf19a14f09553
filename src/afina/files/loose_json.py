"""Values at paths of JSON that somebody else wrote, whose form may be any."""

from typing import Any


def text_at(value: Any, *path: str) -> str:
    """The text or number at a path of objects; "" where there is none."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of what should be a list of them."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
