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


@dataclass(frozen=True, slots=True)
class Rule:
    """Phrases that say one thing. `also_denied`: they say it with a denial before them too, because they hold one."""

    id: str
    pattern: Any
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


def rules_version() -> int:
    """Of the rule file: scores of different versions are not to be compared."""
    return rules().version


def fold(text: str) -> str:
    """Text without case and accents."""
    folded = normal_form("NFKD", text.casefold())
    return "".join(c for c in folded if not unicodedata.combining(c))


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
        return Rule(name, phrase_pattern(words), **more)

    return Rules(
        version=raw["version"],
        quality=tuple(
            rule(one["id"], one["words"], score=one["score"], also_denied=one.get("also_denied", False))
            for one in raw["quality"]
        ),
        categories=tuple(rule(one["id"], one["words"]) for one in raw["category"]),
        yes=rule("yes", raw["success"]["yes"]),
        no=rule("no", raw["success"]["no"], also_denied=True),
        solved=rule("solved", raw["success"]["solved"]),
        questions=phrase_pattern(raw["questions"]["words"], before=r"(?:^|\|) "),
        contrast=phrase_pattern(raw["contrast"]["words"]),
    )


def occurrences(text: str, rule: Rule) -> tuple[bool, bool]:
    """Whether a phrase of a rule is in a plain text as it stands, and whether one is there denied.

    A phrase is denied by one of `DENIALS` among the two words before it in its clause: "nunca más voy a comprar" is, the
    thanks of "no está mal, gracias" are not.
    """
    plainly = denied = False
    for match in rule.pattern.finditer(text, overlapped=True):
        before = text[: match.start()].rpartition(BREAK)[2].split()[-2:]
        if DENIALS.intersection(before) and not rule.also_denied:
            denied = True
        else:
            plainly = True
    return plainly, denied


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
    return next((rule.id for rule in rules().categories if said(plain_text, rule)), DEFAULT_CATEGORY)


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
