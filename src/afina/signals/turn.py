"""What the customer's next message says about an answer: quality 1–5, success, and what the question was about.

The document's word lists score "no me gusta" 5 and "no lo quiero" a sale; here denials come first and deny what follows them, what comes after "pero"
counts before what stands before it, accents fold and word boundaries are Unicode's. Rules and words are data (`rules.toml`), Spanish and English.
"""

import tomllib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import regex

from afina.sameness import normal_form

WORDS = regex.compile(r"[^\W_]+|[,.;:!?¡¿\n]+|\p{Extended_Pictographic}")
BREAK = "|"
BREAKS = ",.;:!?¡¿\n"
SHADES = regex.compile("[\U0001f3fb-\U0001f3ff\ufe0e\ufe0f]")
DENIALS = frozenset(
    {"no", "nunca", "jamas", "tampoco", "ni", "sin", "not", "never", "t", "dont", "doesnt", "isnt", "wont", "cant"}
)
"""Words that deny what follows; `t` is what is left of an English n't."""
DEFAULT_QUALITY, GOOD = 3, 4
DEFAULT_CATEGORY = "general"
READ_CHARACTERS = 2000
"""How much of a message is read: more of it are documents."""
REMEMBERED = 4096
"""Texts whose plain form is remembered: a message is a reaction, then a question, then a reaction again to what came before."""
SAME_QUESTION = 0.6
"""Share of a reaction's words that stand in the question too, from which it is the question again."""
LEAST_WORDS = 3
"""Of a question that is said again."""
SMALL_WORDS = frozenset(
    {
        "a", "al", "de", "del", "la", "el", "los", "las", "lo", "un", "una", "y", "o", "que", "en", "con", "por", "para", "se", "me", "te", "le",
        "es", "mi", "tu", "su", "i", "the", "an", "of", "to", "in", "on", "for", "is", "it", "my", "you", "your", "and", "or", "do",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnScore:
    """Quality of an answer from 1 (rejected) to 5, whether it led to a sale or solved the matter, the question's category, and the rules."""

    quality: int
    success: bool
    category: str
    rules: tuple[str, ...]


Phrase = tuple[str, ...]
"""Words in order; a word may end in `*` (any ending) or be `*` or `_` (any word)."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Phrases that say one thing. `also_denied`: they say it with a denial before them too, because they hold one."""

    id: str
    phrases: tuple[Phrase, ...]
    score: int = 0
    also_denied: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """The rule file, compiled."""

    version: int
    quality: tuple[Rule, ...]
    categories: tuple[Rule, ...]
    yes: Rule
    no: Rule
    solved: Rule
    questions: Any
    """Of the beginning of a clause."""
    contrast: Any
    index: "Index"


@dataclass(frozen=True, slots=True)
class Index:
    """Every phrase of every rule by its first two words, so that a text is gone through once: hundreds begin with "no"."""

    heads: dict[tuple[str, str], list[tuple[Rule, Phrase]]]
    """The second is empty where there is none, or it may be any."""
    prefixes: list[tuple[str, Rule, Phrase]]
    """Phrases whose first word may end in any way."""
    starts: tuple[str, ...]


def rules_version() -> int:
    """Of the rule file: scores of different versions are not to be compared."""
    return rules().version


class Folded(dict[int, str]):
    """Code point → the same without case and accents. Fills itself."""

    def __missing__(self, code: int) -> str:
        """The character, from Unicode's own tables."""
        whole = normal_form("NFKD", chr(code).casefold())
        self[code] = found = "".join(c for c in whole if not unicodedata.combining(c))
        return found


FOLDED = Folded()


def fold(text: str) -> str:
    """Text without case and accents."""
    return text.lower() if text.isascii() else text.translate(FOLDED)


@lru_cache(maxsize=REMEMBERED)
def plain(text: str) -> str:
    """Words and emoji without case and accents, one blank between them and at both ends; `|` where a clause ends.

    Here ñ folds as well: many people type `manana`. A skin tone or a variation selector says nothing; of a letter held down (siiii) two are left.
    """
    words = (
        BREAK if word[0] in BREAKS else word for word in WORDS.findall(fold(SHADES.sub("", text[:READ_CHARACTERS])))
    )
    held: str = regex.sub(r"([^\W\d_])\1{2,}", r"\1\1", f" {' '.join(words)} ")
    return held


def phrase_pattern(words: Sequence[str], before: str = "(?<= )") -> Any:
    """One pattern of many phrases, the longer ones first."""
    phrases = sorted({plain_phrase(one) for one in words}, key=lambda one: (-len(one), one))
    return regex.compile(f"{before}(?:{'|'.join(phrases)})(?= )")


def plain_phrase(phrase: str) -> str:
    """A phrase of the rule file as a pattern over plain text."""
    parts = []
    for word in phrase.replace(",", " , ").split():
        if word in {",", "*", "_"}:
            parts.append({",": r"\|", "*": r"[^| ]+", "_": r"[^| ]+"}[word])
            continue
        found = plain(word.rstrip("*")).strip()
        parts.append(regex.escape(found) + (r"[^| ]*" if word.endswith("*") else ""))
    return " ".join(parts)


@lru_cache(maxsize=1)
def rules() -> Rules:
    """The rule file."""
    raw: dict[str, Any] = tomllib.loads(resources.files(__package__).joinpath("rules.toml").read_text("utf-8"))

    def rule(name: str, words: Sequence[str], **more: Any) -> Rule:
        return Rule(name, tuple(phrase_of(one) for one in words), **more)

    every: list[Rule] = []

    def noted(one: Rule) -> Rule:
        every.append(one)
        return one

    quality = tuple(
        noted(rule(one["id"], one["words"], score=one["score"], also_denied=one.get("also_denied", False)))
        for one in raw["quality"]
    )
    success = raw["success"]
    return Rules(
        version=raw["version"],
        quality=quality,
        categories=tuple(noted(rule(f"category.{one['id']}", one["words"])) for one in raw["category"]),
        yes=noted(rule("success.yes", success["yes"])),
        no=noted(rule("success.no", success["no"], also_denied=True)),
        solved=noted(rule("success.solved", success["solved"])),
        questions=phrase_pattern(raw["questions"]["words"], before=r"(?:^|\|) "),
        contrast=phrase_pattern(raw["contrast"]["words"]),
        index=index_of(every),
    )


def phrase_of(text: str) -> Phrase:
    """A phrase of the rule file; a comma is the end of a clause."""
    words = []
    for word in text.replace(",", " , ").split():
        if word in {"*", "_"}:
            words.append("*")
        elif word == ",":
            words.append(BREAK)
        else:
            words += [
                *plain(word.rstrip("*")).split()[:-1],
                plain(word.rstrip("*")).split()[-1] + "*" * word.endswith("*"),
            ]
    return tuple(words)


def index_of(rules_: Sequence[Rule]) -> Index:
    """Phrases by their first words."""
    heads: dict[tuple[str, str], list[tuple[Rule, Phrase]]] = {}
    prefixes = []
    for rule in rules_:
        for phrase in rule.phrases:
            if phrase[0].endswith("*"):
                prefixes.append((phrase[0][:-1], rule, phrase))
            else:
                second = phrase[1] if len(phrase) > 1 and not phrase[1].endswith("*") else ""
                heads.setdefault((phrase[0], second), []).append((rule, phrase))
    return Index(heads, prefixes, tuple(start for start, _, _ in prefixes))


@lru_cache(maxsize=REMEMBERED)
def heard(text: str) -> dict[str, tuple[bool, bool]]:
    """Rule → whether one of its phrases is in a plain text as it stands, and whether one is there denied; rules of which none is are not there.

    A phrase is denied by one of `DENIALS` among the two words before it in its clause: "nunca más voy a comprar" is, the
    thanks of "no está mal, gracias" are not.
    """
    words, index = text.split(), rules().index
    found: dict[str, tuple[bool, bool]] = {}
    for at, word in enumerate(words):
        following = words[at + 1] if at + 1 < len(words) else ""
        starting = [*index.heads.get((word, ""), ()), *(index.heads.get((word, following), ()) if following else ())]
        if word.startswith(index.starts):
            starting += [(rule, phrase) for start, rule, phrase in index.prefixes if word.startswith(start)]
        for rule, phrase in starting:
            if stands(phrase, words, at):
                denied = not rule.also_denied and is_denied(words, at)
                plainly, before = found.get(rule.id, (False, False))
                found[rule.id] = (plainly or not denied, before or denied)
    return found


def stands(phrase: Phrase, words: Sequence[str], at: int) -> bool:
    """Whether a phrase stands at a word."""
    if at + len(phrase) > len(words):
        return False
    return all(
        word == wanted or (wanted.endswith("*") and word != BREAK and word.startswith(wanted[:-1]))
        for wanted, word in zip(phrase, words[at : at + len(phrase)], strict=True)
    )


def is_denied(words: Sequence[str], at: int) -> bool:
    """Whether one of the two words before, in the same clause, denies."""
    for word in reversed(words[max(0, at - 2) : at]):
        if word == BREAK:
            return False
        if word in DENIALS:
            return True
    return False


def occurrences(text: str, rule: Rule) -> tuple[bool, bool]:
    """Whether a phrase of a rule is in a plain text as it stands, and whether one is there denied."""
    return heard(text).get(rule.id, (False, False))


def said(text: str, rule: Rule) -> bool:
    """Whether any of a rule's phrases is in the plain text, not denied."""
    return occurrences(text, rule)[0]


def score_turn(user: str, answer: str, following: str) -> TurnScore:
    """Score an answer by the message that followed it.

    Args:
        user: the question.
        answer: what was answered.
        following: the customer's next message; empty if there was none, which says nothing.
    """
    known, question, reaction = rules(), plain(user), plain(following)
    wanted, refused = occurrences(reaction, known.yes)
    denied = said(reaction, known.no) or refused
    bought = wanted and not denied
    quality, rule = judge_reaction(Reaction(question, answer, following, reaction), bought=bought, refused=refused)
    if bought and quality < DEFAULT_QUALITY:
        bought = False  # whoever complains while speaking of a sale has not bought by that
    solved = quality > GOOD and said(reaction, known.solved)
    category = category_in(question)
    applied = [f"quality.{rule}", f"category.{category}"]
    if denied or bought or solved:
        applied.append("success.yes" if bought else "success.solved" if solved else "success.denied")
    return TurnScore(quality=quality, success=bought or solved, category=category, rules=tuple(applied))


def category_in(plain_text: str) -> str:
    """What a question in plain form is about; the first rule that holds."""
    found = next((rule.id for rule in rules().categories if said(plain_text, rule)), "")
    return found.removeprefix("category.") or DEFAULT_CATEGORY


def category_of(question: str) -> str:
    """What a question is about, by its beginning."""
    return category_in(plain(question))


@dataclass(frozen=True, slots=True)
class Reaction:
    """The question and the reaction in plain form, and the answer and the reaction as they were written."""

    question: str
    answer: str
    written: str
    plain: str


def judge_reaction(one: Reaction, *, bought: bool, refused: bool) -> tuple[int, str]:
    """Quality and the rule that gave it: words decide first, then a sale, the question said again, a question of ours that was answered."""
    words = one.plain.replace(BREAK, "").split()
    worded = judge_words(one.plain)
    if bought and (worded is None or worded[0] >= DEFAULT_QUALITY or worded[1] in {"haggles", "doubts"}):
        return (GOOD, "haggles_to_buy") if worded is not None and worded[1] == "haggles" else (5, "bought")
    if worded is not None and worded[0] < DEFAULT_QUALITY:
        return worded
    if repeats(one.question, words):
        return 1, "asked_again"
    asks = "?" in one.written or bool(rules().questions.search(one.plain))
    if worded is not None and not (worded[1] == "agreed" and asks):
        return worded
    return judge_wordless(one, words, asks=asks, refused=refused)


def judge_wordless(one: Reaction, words: Sequence[str], *, asks: bool, refused: bool) -> tuple[int, str]:
    """What a reaction says whose words say nothing."""
    if refused:
        return 1, "refused"
    if not words:
        return (2, "question_marks") if "?" in one.written else (DEFAULT_QUALITY, "default")
    if one.answer.rstrip().endswith("?") and not asks:
        return GOOD, "answered_back"
    return DEFAULT_QUALITY, "default"


def judge_words(reaction: str) -> tuple[int, str] | None:
    """The first rule that holds in what comes after the last contrast, or else in all of it; None where none does."""
    parts = rules().contrast.split(reaction)
    for part in (parts[-1], reaction) if len(parts) > 1 else (reaction,):
        found = next(((rule.score, rule.id) for rule in rules().quality if said(f" {part.strip()} ", rule)), None)
        if found is not None:
            return found
    return None


def repeats(question: str, reaction: Sequence[str]) -> bool:
    """Whether a reaction is the question again, in its words."""
    asked = set(question.split()) - SMALL_WORDS - {BREAK}
    again = [word for word in reaction if word not in SMALL_WORDS]
    return len(again) >= LEAST_WORDS and sum(word in asked for word in again) >= SAME_QUESTION * len(again)
