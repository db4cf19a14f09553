"""Candidates: what a model wrote for concepts, judged without a reference answer, kept or refused with a reason (document 001, 8.2.4)."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from afina.chat.blocks import written_as
from afina.likeness import alike
from afina.roles import check_answer
from afina.roles.binding import Prose, cut_texts, without_cut
from afina.roles.checks import read_answer

NUMBERED = re.compile(r"([A-Z]{1,3})[0-9]{3}")
EXACT = ("schema", "ids", "references", "covers", "code")
"""Checks that an example must pass whole: what is wrong in one of them would be learnt."""
SHOWN = 60
"""Characters of a text in a reason."""
FEWEST = 10
"""Examples without which nothing is tuned."""
MIN_SCORE = 0.6
"""Document 001 asks for 0.70 of a measure of form alone, which an example must have whole here; this is of form times content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An answer to a concept's question. `reason` says why it is not kept; empty = it is."""

    id: str
    question: str
    answer: str
    score: float
    scores: dict[str, float]
    reason: str = ""
    seed: int = 0
    language: str = ""

    def row(self) -> dict[str, Any]:
        """As a line of a file."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """`min_score`: of `role_score`. `near`: Jaccard index of 5-grams from which two answers are one. `prose`: how people write the texts."""

    schema: dict[str, Any]
    prose: Prose = field(default_factory=Prose)
    min_score: float = MIN_SCORE
    near: float = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a model wrote for a question; `error`: why there is nothing."""

    id: str
    question: str
    text: str
    error: str = ""
    cut: bool = False
    seed: int = 0
    language: str = ""


def judged(written: Sequence[Written], how: Filter) -> list[Candidate]:
    """Every answer with its score; of two that are nearly the same the better one is kept."""
    found = [candidate_of(one, how) for one in written]
    kept: list[Candidate] = []
    reasons: dict[int, str] = {}
    for at in sorted(range(len(found)), key=lambda at: -found[at].score):
        if found[at].reason:
            continue
        twin = next((one for one in kept if alike(one.answer, found[at].answer) >= how.near), None)
        if twin is None:
            kept.append(found[at])
        else:
            reasons[at] = f"nearly the same as {twin.id}"
    return [Candidate(**{**one.row(), "reason": reasons.get(at, one.reason)}) for at, one in enumerate(found)]


def candidate_of(written: Written, how: Filter) -> Candidate:
    """One answer, without the entries of its lists that did not end and with its numbers put in order, judged by itself."""
    text = renumbered(ended(written_as(written.text, "json"), how))
    checked = check_answer(text, written.question, how.schema)
    reason = written.error
    if not reason and not checked.scores["read"]:
        reason = "cut off: its tokens ran out" if written.cut else "no structure"
    broken = next((name for name in EXACT if checked.scores.get(name, 1.0) < 1), "")
    if not reason and broken:
        reason = f"{broken}: {checked.problems[0]}" if checked.problems else broken
    full = "" if reason else next(cut_texts(read_answer(text), how.schema, how.prose), "")
    if full:  # three in four of what a small base writes last; who learns from it learns no end
        reason = f"cut off by its length: …{full[-SHOWN:]}"
    if not reason and checked.score < how.min_score:
        reason = f"score {checked.score:.2f} below {how.min_score:g}"
    scores = {name: round(value, 4) for name, value in checked.scores.items()}
    return Candidate(
        id=written.id,
        question=written.question,
        answer=text,
        score=round(checked.score, 4),
        scores=scores,
        reason=reason,
        seed=written.seed,
        language=written.language,
    )


def ended(text: str, how: Filter) -> str:
    """An answer without the entries that only their length ended: of 35 of a small base seven are whole, eleven without them."""
    found = read_answer(text)
    whole = without_cut(found, how.schema, how.prose)
    return text if whole == found else as_json(whole, text)


def renumbered(text: str) -> str:
    """An answer whose ids count from 001, each kind by itself, as JSON in its one form. An id that something refers to stays, if it is given
    twice, or in two lists: nobody knows which one was meant. What is no structure stays as it is.
    """
    found = read_answer(text)
    if not isinstance(found, dict):
        return text
    counted: Counter[str] = Counter()
    new: dict[int, str] = {}
    names: dict[str, str] = {}
    lists: dict[str, list[int]] = {}
    for place, entry, kind in numbered_entries(found):
        counted[kind] += 1
        lists.setdefault(entry["id"], []).append(place)
        new[id(entry)] = names[entry["id"]] = f"{kind}{counted[kind]:03d}"
    twice = {name for name, places in lists.items() if len(places) > 1}
    unclear = mentions(found, twice) or any(len(set(places)) > 1 for places in lists.values())
    return as_json(found if unclear else renamed(found, names, new), text)


def numbered_entries(value: Any) -> Iterator[tuple[int, dict[str, Any], str]]:
    """Every entry of a list that has such an id, in the order of the text: (which list, entry, the id's letters)."""
    if isinstance(value, dict):
        for one in value.values():
            yield from numbered_entries(one)
    elif isinstance(value, list):
        for one in value:
            name = one.get("id") if isinstance(one, dict) else None
            if isinstance(name, str) and (match := NUMBERED.fullmatch(name)):
                yield id(value), one, match[1]
            yield from numbered_entries(one)


def as_json(found: Any, text: str) -> str:
    """A structure as JSON in its one form. YAML knows dates and sets, JSON escapes half characters: those become text; `text` stays where
    there is no JSON for something.
    """
    try:
        return json.dumps(found, ensure_ascii=False, default=str).encode("utf-8", "replace").decode()
    except TypeError:
        return text.encode("utf-8", "replace").decode()


def mentions(value: Any, names: set[str], key: str = "") -> bool:
    """Whether a structure refers to one of the ids."""
    if isinstance(value, str):
        return key != "id" and value in names
    if isinstance(value, dict):
        return any(mentions(one, names, name) for name, one in value.items())
    return isinstance(value, list) and any(mentions(one, names) for one in value)


def renamed(value: Any, names: Mapping[str, str], new: Mapping[int, str]) -> Any:
    """A structure with its ids counted anew (`new`: by the identity of their entries), and what refers to them."""
    if isinstance(value, dict):
        own = {name: renamed(one, names, new) for name, one in value.items()}
        return {**own, "id": new[id(value)]} if id(value) in new else own
    if isinstance(value, list):
        return [renamed(one, names, new) for one in value]
    return names.get(value, value) if isinstance(value, str) else value


def reasons_of(candidates: Sequence[Candidate]) -> dict[str, int]:
    """Why candidates were refused, the most frequent reason first; particulars left out."""
    found = Counter(re.split(r":|\s\S*[0-9]", one.reason, maxsplit=1)[0].strip() for one in candidates if one.reason)
    return dict(found.most_common())


def too_few(candidates: Sequence[Candidate], least: int) -> tuple[str, str]:
    """What to say where fewer than `least` were kept: the fact, and the remedies of document 001 for what went wrong most."""
    kept = sum(not one.reason for one in candidates)
    reasons = reasons_of(candidates)
    told = ", ".join(f"{count} {reason}" for reason, count in reasons.items()) or "nothing was refused"
    low = sum(one.score < 0.65 for one in candidates) > len(candidates) / 2
    remedies = [
        "another or a larger base (`afina bench-models`), or a longer prompt search (`afina tune-prompt --calls`)"
        if low
        else "",
        "two or three times as many concepts, or several prompts" if "nearly the same as" in reasons else "",
        "a lower --min-score, if you have read what is written and find it good" if not low else "",
        f"--min-examples {kept}, document 001 takes 50 to 80 where time is short" if kept >= FEWEST else "",
    ]
    return f"{kept} examples of {len(candidates)} were good enough, {least} are asked for: {told}", "; ".join(
        one for one in remedies if one
    )
