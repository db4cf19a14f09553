"""Is a row worth learning? One small rule each: why not, or nothing.

What a person wrote or accepted is not held against the model that answered first: such rows are asked for their language only.
"""

import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any

from afina.records import Example
from afina.sameness import words
from afina.settings import CurateSettings
from afina.tasks import Task

QualityRule = Callable[[Example, CurateSettings], str]
REVIEWED = {"corrected", "accepted"}
SHORT = 20
"""Characters under which a language is a guess."""
LONG = 80
"""Characters under which an answer may end as it likes."""
LARGE = ("ar", "de", "en", "es", "fr", "it", "ja", "pt", "ru", "zh")
LEFT_OVER = re.compile(
    r"<\|[a-z_]+\|>|</?s>|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>|^#{2,3} ?(?:Instruction|Response|Input):"
    r"|\{\{[^{}]{1,60}\}\}|\[object Object\]|\$\{[^{}]{1,60}\}",
    re.MULTILINE | re.IGNORECASE,
)
"""Marks of a chat template, and places that a program did not fill in."""
REFUSAL = re.compile(
    r"\b(?:as an? (?:ai|artificial intelligence|(?:large )?language model)|i(?: am|'m) sorry,? but i (?:can(?:no|')t|am (?:unable|not able))"
    r"|i (?:can(?:no|')t|am unable to) (?:assist|help) with (?:that|this)"
    r"|como (?:una? )?(?:ia|inteligencia artificial|modelo de lenguaje)|lo siento,? pero no puedo|no puedo ayudarte? con eso)\b",
    re.IGNORECASE,
)
DANGLING = frozenset(
    """a al ante con de del desde e el en entre es está hasta la las los me mi ni no o para pero por porque que se si sin sobre su sus tu u un
    una y an and are as at because but by for from has have if in into is its my nor not of on or our so than that the their to was with
    your""".split()  # noqa: SIM905 - a list of words
)
"""Words that no sentence ends with."""


def failed(example: Example, _settings: CurateSettings) -> str:
    """The answer is an error."""
    return f"the answer failed: {example.origin.error}" if example.origin.error else ""


def too_slow(example: Example, settings: CurateSettings) -> str:
    """It took longer than `max_latency_ms`."""
    took, most = example.origin.latency_ms, settings.max_latency_ms
    return f"the answer took {took:,.0f} ms, more than {most:,.0f}" if took and most and took > most else ""


def too_few_words(example: Example, settings: CurateSettings) -> str:
    """The answer has fewer than `min_answer_words`."""
    few = settings.min_answer_words and len(words(example.answer)) < settings.min_answer_words
    return f"an answer of fewer than {settings.min_answer_words} words" if few else ""


def repeats(example: Example, settings: CurateSettings) -> str:
    """Half of the answer or more is made of runs of four words that stand in it before."""
    found = words(example.answer)
    runs = Counter(zip(found, found[1:], found[2:], found[3:], strict=False))
    again = sum(count - 1 for count in runs.values())
    share = again / max(1, runs.total())
    return f"the answer repeats itself ({share:.0%})" if runs.total() >= 8 and share > settings.max_repetition else ""


def refuses(example: Example, _settings: CurateSettings) -> str:
    """The model's stock words for no."""
    return "the answer is a stock refusal" if REFUSAL.search(example.answer) else ""


def left_over(example: Example, _settings: CurateSettings) -> str:
    """Marks of a template stand in the answer."""
    found = LEFT_OVER.search(example.answer)
    return f"left over from a template: {found[0][:40]}" if found else ""


def cut(example: Example, _settings: CurateSettings) -> str:
    """The answer ends in the middle."""
    answer = example.answer.rstrip()
    if answer.count("```") % 2:
        return "the answer is cut: a code block does not end"
    if len(answer) < LONG:
        return ""
    last = words(answer[-40:])[-1:]
    ends = answer[-1] in ",;:([{¿¡-–" or (answer[-1].isalpha() and last and last[0] in DANGLING)
    return f"the answer is cut: it ends with {answer[-12:]!r}" if ends else ""


def other_language(example: Example, settings: CurateSettings) -> str:
    """The message is in none of `languages`."""
    if not settings.languages or len(example.message) < SHORT:
        return ""
    found = classifier(settings.languages).classify(example.message)[0]
    return "" if found in settings.languages else f"written in {found}"


@cache
def classifier(languages: tuple[str, ...]) -> Any:
    """What tells languages apart: langid's model, of the wanted languages and the large ones: among all 97 short Spanish is often Galician."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # 0.3 s: only where languages are asked for

    found = LanguageIdentifier.from_model_file(MODEL_FILE)
    found.set_languages(sorted({*languages, *LARGE}))
    return found


OF_MODELS: tuple[QualityRule, ...] = (failed, too_slow)
OF_PROSE: tuple[QualityRule, ...] = (too_few_words, repeats, refuses, left_over, cut)


def quality(example: Example, task: Task) -> str:
    """The first rule's reason; empty if none has one."""
    rules = () if example.origin.evidence in REVIEWED else (*OF_MODELS, *(OF_PROSE if task.kind.prose else ()))
    return next((reason for rule in (*rules, other_language) if (reason := rule(example, task.curate))), "")
