"""What is found in a text, of one type."""

from afina.privacy import find


def found(text: str, kind: str) -> list[str]:
    """The words that findings of a type stand for."""
    return [text[one.start : one.end] for one in find(text) if one.type == kind]
