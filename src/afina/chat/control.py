"""Text that looks like a control token must not become one.

A user who types `<|im_end|>` would otherwise end their turn and speak as somebody else, in training as in serving. A
blank behind the first character keeps the text readable and no longer a control token.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from afina.records import Turn


@lru_cache(maxsize=32)
def pattern(tokens: frozenset[str]) -> re.Pattern[str]:
    """Matches any of the tokens, longest first."""
    return re.compile("|".join(re.escape(token) for token in sorted(tokens, key=len, reverse=True)))


def defuse(text: str, tokens: Iterable[str]) -> str:
    """The text with a blank behind the first character of everything that reads like one of `tokens`."""
    known = frozenset(token for token in tokens if len(token) > 1)
    if not known:
        return text
    found = pattern(known)
    while found.search(text):  # a defused token may uncover a shorter one inside it
        text = found.sub(lambda match: f"{match[0][0]} {match[0][1:]}", text)
    return text


def defuse_turns(turns: Sequence[Turn], tokens: Iterable[str]) -> tuple[Turn, ...]:
    """Every turn's text, defused."""
    known = frozenset(tokens)
    return tuple(Turn(turn.role, defuse(turn.content, known)) for turn in turns)
