"""Names of people: known first names and surnames, and the words around them. No model is asked, so an unknown name without a capital or a cue is not
seen.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from afina.privacy.finding import Finding, Kind
from afina.privacy.name_lists import PARTICLES, Lists, lists
from afina.privacy.plain import Plain

TOKEN = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
DIMINUTIVE = re.compile(r"([a-z]{3,}?)c?it([ao])s?")
SHORT_TITLES = frozenset({"sr", "sra", "srta", "dr", "dra", "mr", "mrs", "ms", "prof", "ing", "lic"})
"""Titles that are written with a full stop."""
GOES_ON = frozenset(
    {
        "y",
        "de",
        "del",
        "desde",
        "con",
        "rut",
        "mi",
        "necesito",
        "quiero",
        "compre",
        "hice",
        "soy",
        "tengo",
        "and",
        "from",
    }
)
"""What follows a name that somebody gave as theirs."""
TO_PLACES = frozenset({"de", "a", "en", "desde", "hacia", "por", "from", "to", "in"})
MOST_WORDS = 6
"""Of one name."""
LONGEST_CUE = 3


@dataclass(frozen=True, slots=True)
class Token:
    """A word: as it reads, where it stands, whether it begins with a capital, and what parts it from the word before."""

    low: str
    start: int
    end: int
    capital: bool
    shouted: bool
    """All of it in capitals."""
    gap: str


def tokens_of(text: Plain) -> list[Token]:
    """Every word."""
    found = []
    after = 0
    for match in TOKEN.finditer(text.text):
        start, end = match.span()
        found.append(
            Token(
                text.low[start:end], start, end, text.text[start].isupper(), match[0].isupper(), text.text[after:start]
            )
        )
        after = end
    return found


def people(text: Plain) -> Iterator[Finding]:
    """Names, from the first word of one to its last surname; titles stay outside."""
    known, tokens = lists(), tokens_of(text)
    at = 0
    while at < len(tokens):
        rule = begins(tokens, at, known)
        if not rule:
            at += 1
            continue
        end = extended(tokens, at, known, rule=rule)
        yield Finding(tokens[at].start, tokens[end - 1].end, Kind.PERSON, rule)
        at = end


def begins(tokens: Sequence[Token], at: int, known: Lists) -> str:
    """The rule that a name begins at a word; empty if none does."""
    token = tokens[at]
    named = is_first(token.low, known) or token.low in known.last
    if not (named or token.capital) or len(token.low) < 2 or token.low in known.never | PARTICLES:
        return ""
    cue = cue_of(tokens, at, known)
    if cue == "title":
        return "name.title"
    if cue == "thing" or token.low in known.titles:
        return ""
    if cue == "introduction" and introduced(token, known):
        return "name.introduction"
    return known_name(tokens, at, known, greeted=cue == "greeting")


def introduced(token: Token, known: Lists) -> bool:
    """Whether a word after "my name is" is one: a capital is enough."""
    if token.capital and len(token.low) > 2:
        return True
    return is_first(token.low, known) or (token.low in known.last and token.low not in known.words)


def known_name(tokens: Sequence[Token], at: int, known: Lists, *, greeted: bool) -> str:
    """The rule that a word is a name by what is known of it and of the next one: a name that is also a word needs more."""
    token = tokens[at]
    first, last = is_first(token.low, known), token.low in known.last
    ambiguous = token.low in known.words
    followed = next_is_name(tokens, at, known)
    if at and token.low in known.places and tokens[at - 1].low in TO_PLACES:
        return ""
    if first and (not ambiguous or followed or (greeted and token.capital)):
        return "name.known"
    if not token.capital or ambiguous or token.low in known.things | known.greetings:
        return ""
    if last and followed in {"surname", "word"}:
        return "name.known"
    shouted_alone = followed == "surname" and tokens[at + 1].shouted and not token.shouted
    return "name.pair" if followed == "surname" and not shouted_alone else ""


def is_first(low: str, known: Lists) -> bool:
    """Whether a word is a first name, or a diminutive of one that is nothing else: marcelita, luchito."""
    if low in known.first:
        return True
    match = DIMINUTIVE.fullmatch(low)
    return match is not None and any(
        match[1] + end in known.first - known.words for end in {"a": ("a", "", "e"), "o": ("o", "", "e")}[match[2]]
    )


def next_is_name(tokens: Sequence[Token], at: int, known: Lists) -> str:
    """What the next word, past particles, is: "surname", "word" (a surname that is also a word), "first", or empty."""
    this, after = tokens[at], at + 1
    while after < len(tokens) and tokens[after].low in PARTICLES and tokens[after].gap == " " and after - at < 3:
        after += 1
    if after >= len(tokens) or tokens[after].gap != " ":
        return ""
    token = tokens[after]
    if token.low in known.never or token.capital != this.capital:
        return ""
    if token.low in known.last and token.low not in known.words:
        return "surname"
    if token.low in known.last and token.capital:
        return "word"
    return "first" if token.low in known.first and token.low not in known.words else ""


def cue_of(tokens: Sequence[Token], at: int, known: Lists) -> str:
    """What the words before say: title, thing, introduction, greeting, or nothing. Titles and things stand directly before."""
    if at == 0:
        return ""
    gap, direct = tokens[at].gap, tokens[at - 1].low
    if direct in known.titles and (gap == " " or (gap in {".", ". "} and direct in SHORT_TITLES)):
        return "title"
    institution = at > 1 and direct in PARTICLES and tokens[at - 2].low in known.institutions and gap == " "
    if institution or (direct in known.things and gap.strip(" \"'«“:") == ""):
        return "thing"
    phrases = phrases_before(tokens, at)
    if len(gap) > 5 or not phrases:
        return ""
    if known.introductions.intersection(phrases) and gap.strip(" \n:,;.-—*\"'") == "":
        return "introduction"
    return "greeting" if known.greetings.intersection(phrases) and gap.strip(" \n,!¡") == "" else ""


def phrases_before(tokens: Sequence[Token], at: int) -> list[str]:
    """The one, two and three words before a word, as far as they belong together."""
    found = [tokens[at - 1].low]
    for size in range(2, min(LONGEST_CUE, at) + 1):
        if tokens[at - size + 1].gap not in {" ", " (", "\n"}:
            break
        found.append(f"{tokens[at - size].low} {found[-1]}")
    return found


def extended(tokens: Sequence[Token], at: int, known: Lists, *, rule: str) -> int:
    """Position after the last word of the name that begins at a word."""
    end, begun = at + 1, tokens[at]
    while end < len(tokens) and end - at < MOST_WORDS:
        token = tokens[end]
        after_initial = token.gap == ". " and len(tokens[end - 1].low) == 1 and token.capital
        after = end
        while after < len(tokens) - 1 and tokens[after].low in PARTICLES and tokens[after].gap == " ":
            after += 1
        strictly = rule == "name.known" or after > end
        if not after_initial and (
            tokens[after].gap != " " or not belongs(tokens[after], begun, known, strictly=strictly)
        ):
            break
        end = after + 1
    if rule == "name.introduction" and end == at + 1 and given(tokens, end, known):
        end += 1
    return end


def given(tokens: Sequence[Token], at: int, known: Lists) -> bool:
    """Whether the unknown word after a first name that somebody gave as theirs is the surname: what follows it does not need it."""
    if at >= len(tokens) or tokens[at].gap != " " or len(tokens[at].low) < 4:
        return False
    if tokens[at].low in known.never | known.words | GOES_ON | known.things | known.greetings:
        return False
    return at + 1 == len(tokens) or tokens[at + 1].gap != " " or tokens[at + 1].low in GOES_ON


def belongs(token: Token, begun: Token, known: Lists, *, strictly: bool) -> bool:
    """Whether a word goes on with a name that has begun."""
    if token.low in known.never:
        return False
    if token.capital != begun.capital and not (begun.capital and token.low in known.last - known.words):
        return False
    if token.low in known.last or token.low in known.first:
        return token.capital or token.low not in known.words or token.low in known.last
    if len(token.low) == 1:
        return token.capital
    return (token.capital and begun.capital and not strictly) or (token.capital and begun.low in known.first)
