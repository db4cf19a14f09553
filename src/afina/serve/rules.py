"""Holds a reply to the rules of `[reply]`: reports, repairs or refuses."""

from afina.settings import ReplySettings
from afina.signals import Checks, Finding, findings, repaired


def held_to_rules(text: str, settings: ReplySettings) -> tuple[str, tuple[dict[str, str], ...]]:
    """What the person reads, and the rules that the model's own words broke, each with its id, the words, and what stands in their place."""
    if settings.checks == "off":
        return text, ()
    checks = Checks(rules=settings.rules, categories=settings.categories, disclaimer=settings.disclaimer)
    if settings.checks == "report":
        return text, tuple({**shown(one), "repair": ""} for one in findings(text, checks))
    right, found = repaired(text, checks)
    if settings.checks == "refuse" and any(one.forbids for one in found):
        right = settings.refusal
    return right, tuple(map(shown, found))


def shown(finding: Finding) -> dict[str, str]:
    """As replies and records tell it."""
    return {"rule": finding.rule, "words": finding.words, "repair": finding.repair}
