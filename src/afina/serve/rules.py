"""Holds a reply to the rules of `[reply]`: reports, repairs or refuses."""

from dataclasses import asdict

from afina.settings import ReplySettings
from afina.signals import Checks, findings, repaired


def held_to_rules(text: str, settings: ReplySettings) -> tuple[str, tuple[dict[str, str], ...]]:
    """What the person reads, and the rules that the model's own words broke, each with its id, the words, and what stands in their place."""
    if settings.checks == "off":
        return text, ()
    checks = Checks(rules=settings.rules, categories=settings.categories, disclaimer=settings.disclaimer)
    found = findings(text, checks)
    shown = tuple({name: str(value) for name, value in asdict(one).items() if name != "forbids"} for one in found)
    if settings.checks == "report":
        return text, tuple({**one, "repair": ""} for one in shown)
    if settings.checks == "refuse" and any(one.forbids for one in found):
        return settings.refusal, shown
    return repaired(text, found), shown
