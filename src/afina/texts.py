"""What people read, in their language: one catalogue (gettext) for command line, pages, errors and reasons.

The program speaks English inside: errors, records and JSON hold English sentences, and a verdict that was written yesterday can
be shown in another language today. A sentence becomes Spanish where it is shown. Its values stand in it already, so the message
is found by its shape: the catalogue's `{0} is better than {1} on {2}{3}.` fits one sentence, and its places give the values.
`python -m tests.catalogue` draws the messages from the source.
"""

import gettext
import locale
import os
import re
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources

LANGUAGES = ("en", "es")
DEEPEST = 5
"""Sentences within sentences: a file's line, what is wrong with it, why."""
ENDINGS, HEAD = " ,;:", "{99}"
"""How a message begins that is put behind another one, and the place of that other one."""
PLACE = re.compile(r"\{(\d+)\}")


def pick_language(arguments: Sequence[str], environment: Mapping[str, str], system: str | None) -> str:
    """`--lang` before anything else, then AFINA_LANG, then the locale; English otherwise.

    Read from the raw arguments, because help texts are made before any option is parsed.
    """
    for at, argument in enumerate(arguments):
        value = argument.partition("=")[2] if argument.startswith("--lang=") else ""
        if argument == "--lang" and at + 1 < len(arguments):
            value = arguments[at + 1]
        if value in LANGUAGES:
            return value
    for name in ("AFINA_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if environment.get(name):
            return "es" if environment[name].lower().startswith("es") else "en"
    return "es" if (system or "").lower().startswith("es") else "en"


@cache
def language() -> str:
    """The language of this process."""
    return pick_language(sys.argv[1:], os.environ, locale.getlocale()[0])


@cache
def catalogue(name: str) -> dict[str, str]:
    """The messages of a language: English → translation. English has none."""
    if name == "en":
        return {}
    path = resources.files("afina").joinpath("locale", name, "LC_MESSAGES", "afina.mo")
    with path.open("rb") as file:
        messages: dict[str, str] = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    return {english: text for english, text in messages.items() if english}


@cache
def shapes(name: str) -> list[tuple[re.Pattern[str], list[str], str]]:
    """Messages with places: what a sentence of each looks like, its fixed pieces, its translation. The longest text first."""
    found = []
    for english, text in catalogue(name).items():
        head = HEAD if english[0] in ENDINGS else ""
        pieces = PLACE.split(head + english)
        if len(pieces) > 1:
            look = "".join(f"(?P<p{one}>.*?)" if at % 2 else re.escape(one) for at, one in enumerate(pieces))
            look = look.replace("(?P<p99>.*?)", "(?P<p99>.*)")  # an ending begins as late as it can
            found.append((re.compile(look, re.DOTALL), pieces[::2], head + text))
    return sorted(found, key=lambda shape: -sum(map(len, shape[1])))


def t(english: str, name: str = "") -> str:
    """A text in a language; without a name in that of this process. What the catalogue lacks stays English."""
    name = name or language()
    return english if name == "en" else translated(english, name, depth=0)


def translated(english: str, name: str, *, depth: int) -> str:
    """The translation of a message. Its values are translated where they are sentences; single words may be a user's own."""
    if english in catalogue(name) or depth > DEEPEST:
        return catalogue(name).get(english, english)
    for look, pieces, text in shapes(name):
        if in_order(english, pieces) and (found := look.fullmatch(english)):
            values = {
                key[1:]: translated(value, name, depth=depth + 1) if " " in value else value
                for key, value in found.groupdict().items()
            }
            return "".join(values[one] if at % 2 else one for at, one in enumerate(PLACE.split(text)))
    return english


def in_order(text: str, pieces: Sequence[str]) -> bool:
    """Whether a text holds the pieces one after the other: a quick no before a pattern is tried."""
    if not text.startswith(pieces[0]) or not text.endswith(pieces[-1]):
        return False
    at = 0
    for piece in pieces:
        at = text.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return True
