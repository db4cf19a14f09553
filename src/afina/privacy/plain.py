"""A text as recognisers read it: digits of every script as 0–9, one kind of blank and dash, no invisible characters, and the same in lower case
without accents. Offsets lead back to the text as it was written.

Whoever hides a number writes it in full-width digits or with a zero-width character inside; whoever copies it from a PDF does so without knowing.
"""

import unicodedata
from dataclasses import dataclass
from functools import cached_property

DASHES = frozenset("‐‑‒–—―−﹘﹣－")
KEPT_CONTROLS = frozenset("\n\t\r")
LOOKALIKES = str.maketrans("аеорсухіјѕԁԛԝһ" + "αεορυικν", "aeopcyxijsdqwh" + "aeopuikv")
"""Letters of other scripts that look like Latin ones, as far as they are used to write an address that a filter does not see."""


class Cleaned(dict[int, str | None]):
    """Code point → one character, or None where it is dropped. Fills itself."""

    def __missing__(self, code: int) -> str | None:
        """The character, from Unicode's own tables."""
        self[code] = found = clean(chr(code))
        return found


def clean(character: str) -> str | None:
    """One character as it is read."""
    if character in DASHES:
        return "-"
    category = unicodedata.category(character)
    if category in {"Cf", "Mn"}:
        return None
    if category == "Cc" and character not in KEPT_CONTROLS:
        return " "
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "Zs":
        return " "
    whole = unicodedata.normalize("NFKC", character)
    return whole if len(whole) == 1 else character


class Folded(dict[int, str]):
    """Code point of a cleaned character → the same in lower case without accents, one character always. Fills itself."""

    def __missing__(self, code: int) -> str:
        """The character, from Unicode's own tables."""
        bare = unicodedata.normalize("NFKD", chr(code))[0].lower()
        self[code] = found = bare[:1] or chr(code)
        return found


CLEANED, FOLDED = Cleaned(), Folded()


@dataclass(frozen=True)
class Plain:
    """`text` as it is read and `low`, the same length, without case and accents; `kept` has the written offset of every character, None = all are."""

    written: str
    text: str
    low: str
    kept: list[int] | None

    @cached_property
    def has_digit(self) -> bool:
        """Whether any recogniser of numbers has something to do."""
        return not self.text.isalpha() and any(c.isdigit() for c in self.text)

    @cached_property
    def latin(self) -> str:
        """`low` with look-alikes of other scripts as Latin letters."""
        return self.low if self.low.isascii() else self.low.translate(LOOKALIKES)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Offsets in the written text; what was dropped after the last character (an accent) goes with it."""
        if self.kept is None:
            return start, end
        after = self.kept[end] if end < len(self.kept) else len(self.written)
        return self.kept[start], after


def plain(written: str) -> Plain:
    """The plain form of a text."""
    if written.isascii():
        return Plain(written, written, written.lower(), None)
    text = written.translate(CLEANED)
    kept = None
    if len(text) != len(written):
        kept = [at for at, character in enumerate(written) if CLEANED[ord(character)] is not None]
    return Plain(written, text, text.translate(FOLDED), kept)


def any_of(alternatives: str) -> str:
    """A pattern of any of several, parted by blanks; `~` is a blank inside one. So that a long list of words reads as one."""
    return f"(?:{'|'.join(alternatives.split()).replace('~', ' ')})"
