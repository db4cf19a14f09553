"""What the customer's next message says about an answer: quality 1–5, success, and what the question was about.

The document's word lists score "no me gusta" 5 and "no lo quiero" a sale; here denials come first and deny what follows
them, accents fold and word boundaries are Unicode's. Rules and words are data (`rules.toml`), Spanish and English.
"""

import tomllib
import unicodedata
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
DENIALS = frozenset({"no", "nunca", "jamas", "tampoco", "ni", "sin", "not", "never", "t"})
"""Words that deny what follows; `t` is what is left of an English n't."""
DEFAULT_QUALITY = 3
DEFAULT_CATEGORY = "general"
READ_CHARACTERS = 2000
"""How much of a question its category is read from: more of it are documents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnScore:
    """Quality of an answer from 1 (rejected) to 5, whether it led to a sale, the question's category, and the rules."""

    quality: int
    success: bool
    category: str
    rules: tuple[str, ...]


def fold(text: str) -> str:
    """Text without case and accents."""
    folded = normal_form("NFKD", text.casefold())
    return "".join(c for c in folded if not unicodedata.combining(c))


def plain(text: str) -> str:
    """Words and emoji without case and accents, one blank between them and at both ends; `|` where a clause ends.

    Here ñ folds as well: many people type `manana`. A skin tone or a variation selector says nothing.
    """
    words = (BREAK if word[0] in BREAKS else word for word in WORDS.findall(fold(SHADES.sub("", text))))
    return f" {' '.join(words)} "


@lru_cache(maxsize=1)
def rules() -> dict[str, Any]:
    """The rule file, its words in plain form."""
    raw: dict[str, Any] = tomllib.loads(resources.files(__package__).joinpath("rules.toml").read_text("utf-8"))
    return {
        "quality": [(r["id"], r["score"], [plain(w) for w in r["words"]]) for r in raw["quality"]],
        "success": {side: [plain(w) for w in words] for side, words in raw["success"].items()},
        "category": [(r["id"], [plain(w) for w in r["words"]]) for r in raw["category"]],
    }


def occurrences(text: str, phrases: list[str]) -> tuple[bool, bool]:
    """Whether any of the plain phrases is in the plain text as it stands, and whether any is there denied.

    A phrase is denied by one of `DENIALS` among the two words before it in its clause: "nunca más voy a comprar" is, the
    thanks of "no está mal, gracias" are not.
    """
    plainly = denied = False
    for phrase in phrases:
        at = text.find(phrase)
        while at >= 0:
            before = text[:at].rpartition(BREAK)[2].split()[-2:]
            if DENIALS.intersection(before):
                denied = True
            else:
                plainly = True
            at = text.find(phrase, at + 1)
    return plainly, denied


def said(text: str, phrases: list[str]) -> bool:
    """Whether any of the plain phrases is in the plain text, not denied."""
    return occurrences(text, phrases)[0]


def score_turn(user: str, answer: str, following: str) -> TurnScore:
    """Score an answer by the message that followed it.

    Args:
        user: the question.
        answer: what was answered.
        following: the customer's next message; empty if there was none, which says nothing.
    """
    known, question, reaction = rules(), plain(user), plain(following)
    wanted, refused = occurrences(reaction, known["success"]["yes"])
    denied = said(reaction, known["success"]["no"]) or refused
    success = wanted and not denied
    quality, rule = judge_reaction(answer, following, success=success, refused=refused)
    category = category_in(question)
    applied = [f"quality.{rule}", f"category.{category}"]
    if denied or success:
        applied.append("success.yes" if success else "success.denied")
    return TurnScore(quality=quality, success=success, category=category, rules=tuple(applied))


def category_in(plain_text: str) -> str:
    """What a question in plain form is about; the first rule that holds."""
    return next((name for name, words in rules()["category"] if said(plain_text, words)), DEFAULT_CATEGORY)


def category_of(question: str) -> str:
    """What a question is about, by its beginning."""
    return category_in(plain(question[:READ_CHARACTERS]))


def judge_reaction(answer: str, following: str, *, success: bool, refused: bool) -> tuple[int, str]:
    """Quality and the rule that gave it. Words decide first; a sale is 5; a question of ours that was answered is 4."""
    reaction = plain(following)
    worded = next(((score, name) for name, score, words in rules()["quality"] if said(reaction, words)), None)
    if success and (worded is None or worded[0] >= DEFAULT_QUALITY):
        return 5, "bought"
    if worded is not None:
        return worded
    if refused:
        return 1, "refused"
    if answer.rstrip().endswith("?") and reaction.replace(BREAK, "").strip() and "?" not in following:
        return 4, "answered_back"
    return DEFAULT_QUALITY, "default"
