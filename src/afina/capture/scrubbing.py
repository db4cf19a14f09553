"""Personal data out of records, before anything keeps them where it can be read."""

from dataclasses import replace
from typing import Any

from afina.privacy import NOTHING, Policy, Tally, scrub_answer, scrub_text, scrub_value
from afina.records import ANSWER, Entry, Exchange, Feedback, Interaction, Turn

OPERATOR = frozenset({"system", "developer"})
"""Roles whose words are the operator's own: how to reach the shop is meant to be said."""


def scrub_turns(turns: tuple[Turn, ...], policy: Policy, tally: Tally) -> tuple[Turn, ...]:
    """Turns without personal data; the operator's stay as they are."""
    return tuple(
        turn if turn.role in OPERATOR else Turn(turn.role, scrub_answer(turn.content, policy, tally)) for turn in turns
    )


def scrub_interaction(one: Interaction, policy: Policy) -> Interaction:
    """An interaction without personal data in any of its texts, and how much of what there was."""
    if policy is NOTHING:
        return one
    tally = Tally()
    scrubbed = replace(
        one,
        text=scrub_text(one.text, policy, tally),
        answer=scrub_answer(one.answer, policy, tally),
        reaction=scrub_text(one.reaction, policy, tally),
        context=scrub_turns(one.context, policy, tally),
        facts=scrub_value(one.facts, policy, tally),
        parameters=scrub_parameters(one.parameters, policy, tally),
        error=scrub_text(one.error, policy, tally),
    )
    return replace(scrubbed, findings={**one.findings, **tally.counts}) if tally.counts else scrubbed


def scrub_parameters(parameters: dict[str, Any], policy: Policy, tally: Tally) -> dict[str, Any]:
    """How it was asked: tools and forms are the operator's own."""
    own = {"tools", "response_format", "model", "stop", "functions", "tool_choice"}
    return {name: one if name in own else scrub_value(one, policy, tally) for name, one in parameters.items()}


def scrub_feedback(one: Feedback, policy: Policy) -> Feedback:
    """Feedback without personal data in its comment and corrected text; labels are no texts."""
    value = {name: scrub_answer(text, policy) if name == ANSWER else text for name, text in one.value.items()}
    return replace(one, comment=scrub_text(one.comment, policy), value=value)


def scrub_entry(one: Entry, policy: Policy) -> Entry:
    """A row of a file without personal data."""
    feedback = scrub_feedback(one.feedback, policy) if one.feedback else None
    return replace(one, interaction=scrub_interaction(one.interaction, policy), feedback=feedback)


def scrub_exchange(one: Exchange, policy: Policy) -> Exchange:
    """What is about to become an example: again, because it may have been stored before, or by another policy."""
    if policy is NOTHING:
        return one
    tally = Tally()
    value = {name: scrub_answer(text, policy, tally) if name == ANSWER else text for name, text in one.value.items()}
    return replace(
        one,
        turns=scrub_turns(one.turns, policy, tally),
        answer=scrub_answer(one.answer, policy, tally),
        value=value,
        reaction=scrub_text(one.reaction, policy, tally),
        facts={**scrub_value(one.facts, policy, tally), "pii_scrubbed": True},
        findings={name: one.findings.get(name, 0) + tally.counts[name] for name in {*one.findings, *tally.counts}},
    )
