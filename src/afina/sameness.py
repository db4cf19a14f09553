"""When are two texts the same? One function for each question, because one folding for all of them answers most of them wrongly.

| question | function | what makes no difference |
|---|---|---|
| Is it the same message (duplicates, conflicting decisions)? | `message_key` | Unicode form, white space, case, kind of quotes |
| Is it the same class? | `label` | Unicode form, outer and repeated white space |
| May two classes be meant as one? | `label_variant` | that, and case and accents |
| Is it the expected answer? | `answer_key` | as for a message, and a full stop at the end |
| Is it the same JSON value? | `same_json` | order of keys, white space, 1 and 1.0 |
| Does training know this text? Which words are in it? | `words` | case, accents of Latin vowels, punctuation that says nothing |

Signs, emoji, `¿` and `!`, ñ, and the marks that are vowels in Hindi or Thai always make a difference.
"""

import unicodedata
from typing import Any, Literal

import regex

UNSEEN = regex.compile("[\u200b\u2060\ufeff\u00ad\u200e\u200f\u202a-\u202e\u2066-\u2069\ufe0e\ufe0f]")
"""Zero-width spaces, soft hyphens, marks of writing direction, and variation selectors. The zero-width joiners stay: they
make another word in Persian and another person in an emoji."""
QUOTES = str.maketrans({"‘": "'", "’": "'", "‛": "'", "“": '"', "”": '"', "„": '"', "\u2212": "-"})
LATIN_ACCENT = regex.compile(r"(\p{Latin})\p{Mn}+")
WORD = regex.compile(
    r"[\p{L}\p{M}\p{N}]+(?:[+#]+(?![\p{L}\p{N}+#]))?"  # C++ and C# are words of their own
    r"|[-](?=\p{N})"  # a minus; a hyphen between words is none
    r"|[\p{S}#%&@*/\\\u200d]"
)


LONG_RUN = regex.compile(r"\p{M}{31}")
PIECES = regex.compile(r"\P{M}*\p{M}{1,30}|\P{M}+")
Form = Literal["NFC", "NFD", "NFKD"]


def normal_form(form: Form, text: str) -> str:
    """Unicode's normal form, in time linear in the text.

    Python sorts the marks of one letter by insertion: 100,000 of them in a row, which anybody can send, take nine seconds,
    during which no other thread runs. Runs of over 30 marks are no text in any language (UAX 15, stream-safe format):
    they are taken in pieces.
    """
    if LONG_RUN.search(text) is None:
        return unicodedata.normalize(form, text)
    return "".join(unicodedata.normalize(form, piece) for piece in PIECES.findall(text))


def composed(text: str) -> str:
    """NFC, which training and serving share: tokenizers that compose texts themselves are not followed by llama.cpp."""
    return text if text.isascii() else normal_form("NFC", text)


def tidy(text: str) -> str:
    """Composed (NFC), without characters that nobody sees, white space as single blanks, none outside."""
    return " ".join(UNSEEN.sub("", composed(text)).split())


def message_key(text: str) -> str:
    """Equal for the same message. `¿Hola?` and `¡Hola!` are two; so are `año` and `ano`.

    Case folding may decompose a letter (İ), hence the second composition.
    """
    return composed(tidy(text).translate(QUOTES).casefold()) or text


def answer_key(text: str) -> str:
    """Equal for the same answer; empty for silence."""
    key = "" if not tidy(text) else message_key(text)
    return key.removesuffix(".") if len(key) > 1 and not key.endswith("..") else key


def label(text: str) -> str:
    """The one spelling of a class's name."""
    return tidy(text)


def label_variant(text: str) -> str:
    """Equal for classes that differ in case or accents only."""
    plain = normal_form("NFD", label(text).casefold())
    return "".join(c for c in plain if not unicodedata.combining(c))


def same_json(one: Any, other: Any) -> bool:
    """Whether two values read from JSON are equal. Python alone would say that `true` is 1; texts are composed."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_json(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_json, one, other))
    if isinstance(one, str) and isinstance(other, str):
        return composed(one) == composed(other)
    return bool(one == other)


def without_accents(text: str) -> str:
    """Text without case and without the accents of Latin letters; ñ is a letter of its own.

    Marks of other scripts are not accents: in Hindi and Thai they are vowels.
    """
    parts = normal_form("NFD", text.casefold())
    plain = LATIN_ACCENT.sub(lambda m: m[0] if m[0][:2] == "n\u0303" else m[1], parts)
    return composed(plain)


def words(text: str) -> list[str]:
    """Words, numbers, signs and emoji in order, without case and accents; of `?!` none."""
    found: list[str] = WORD.findall(without_accents(UNSEEN.sub("", text.translate(QUOTES))))
    return found
