"""Text → the same text without what was found in it, by a client's policy; and back, where a vault was kept."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from afina.errors import InputError
from afina.privacy.find import find, merged
from afina.privacy.finding import Finding, Kind
from afina.privacy.plain import plain
from afina.privacy.pseudonyms import MARK, client_key, is_pseudonym, pseudonym
from afina.privacy.vault import Vault
from afina.settings import PrivacyPolicy, ScrubAction

REMEMBERED, REMEMBERED_LENGTH = 4096, 2000
"""Texts whose findings are remembered, and their longest: a conversation's turns come again with each message."""
MOST_PASSES = 5
NUMBER = re.compile(r"\d[\d.,]*")
OwnRecogniser = Callable[[str], Iterable[tuple[str, int, int]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What becomes of findings. `own`: values that stay, by type and canonical form."""

    actions: Mapping[Kind, ScrubAction]
    own: frozenset[str] = frozenset()
    key: bytes = b""
    vault: Vault | None = None
    recognisers: tuple[OwnRecogniser, ...] = ()


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """A text after scrubbing. `findings` count characters of the text before, those that a policy keeps included."""

    text: str
    findings: tuple[Finding, ...] = ()


@dataclass(slots=True)
class Tally:
    """How often what was found, over many texts; without the values."""

    counts: Counter[str] = field(default_factory=Counter)


NOTHING = Policy(actions=dict.fromkeys(Kind, "keep"))


def make_policy(
    settings: PrivacyPolicy,
    *,
    client: str = "",
    key: bytes = b"",
    vault: Vault | None = None,
    recognisers: tuple[OwnRecogniser, ...] = (),
) -> Policy:
    """A client's policy as settings say it. `key` is the project's: the client's own is made of it."""
    named = {"URL": "keep", "AMOUNT": "keep", **settings.types}
    actions: dict[Kind, ScrubAction] = {kind: named.get(kind.value, settings.default) for kind in Kind}
    own = frozenset(bare(text) for text in settings.own)
    return Policy(
        actions=actions, own=own, key=client_key(key, client) if key else b"", vault=vault, recognisers=recognisers
    )


def bare(text: str) -> str:
    """Equal for the same value however it is written, whatever its type."""
    return re.sub(r"[\W_]", "", plain(text).low)


@lru_cache(maxsize=REMEMBERED)
def remembered(text: str) -> tuple[Finding, ...]:
    """The findings of a text that is not long."""
    return tuple(find(text))


def scrub(text: str, policy: Policy) -> Scrubbed:
    """Scrub one text. Doing it twice changes nothing: marks and pseudonyms are no findings, and what a shorter text brings near a cue is scrubbed at
    once. `findings` are those of the text as it was given.

    Raises:
        InputError: a recogniser of the user's own returned what is no finding.
    """
    found = findings_of(text, policy)
    clean = without(text, found, policy)
    for _ in range(MOST_PASSES if clean != text else 0):
        before, clean = clean, without(clean, findings_of(clean, policy), policy)
        if clean == before:
            break
    return Scrubbed(clean, found)


def findings_of(text: str, policy: Policy) -> tuple[Finding, ...]:
    """What a policy calls a finding, the user's own recognisers included."""
    found: Sequence[Finding] = remembered(text) if len(text) <= REMEMBERED_LENGTH else find(text)
    if policy.recognisers:
        found = merged([*found, *own_findings(text, policy.recognisers)])
    return tuple(one for one in found if counts(one, text, policy))


def without(text: str, found: Sequence[Finding], policy: Policy) -> str:
    """A text with what its policy says in the place of findings."""
    pieces, after = [], 0
    for one in found:
        pieces += [text[after : one.start], in_place(one.type, text[one.start : one.end], policy)]
        after = one.end
    return "".join([*pieces, text[after:]])


def counts(one: Finding, text: str, policy: Policy) -> bool:
    """Whether a finding is one: amounts are only where a policy wants them changed, and what is the client's own or a pseudonym is none."""
    if one.type is Kind.AMOUNT and policy.actions[Kind.AMOUNT] == "keep":
        return False
    value = text[one.start : one.end]
    return not is_pseudonym(one.type, value) and not (policy.own and bare(value) in policy.own)


def in_place(kind: Kind, value: str, policy: Policy) -> str:
    """What stands in the place of a value."""
    action = policy.actions[kind]
    if action == "keep":
        return value
    if action == "drop":
        return ""
    if action == "bucket" and kind is Kind.AMOUNT:
        return NUMBER.sub(rounded, value, count=1)
    if action == "pseudonymise":
        return named(kind, value, policy)
    return f"[{kind}]"


def named(kind: Kind, value: str, policy: Policy) -> str:
    """The pseudonym of a value: with a vault one that stands for nothing else."""
    again = 0
    while True:
        found = pseudonym(kind, value, policy.key, again)
        if policy.vault is None or policy.vault.keep(found, value):
            return found
        again += 1


def rounded(match: "re.Match[str]") -> str:
    """An amount with its first digit only."""
    first, rest = match[0][0], match[0][1:].split(",")[0] if "." in match[0] else match[0][1:]
    return first + re.sub(r"\d", "0", rest.rstrip(".,"))


def own_findings(text: str, recognisers: Sequence[OwnRecogniser]) -> Iterable[Finding]:
    """What the user's own recognisers found."""
    for recogniser in recognisers:
        name = getattr(recogniser, "__name__", "recogniser")
        for kind, start, end in recogniser(text):
            if kind not in set(Kind) or not 0 <= start < end <= len(text):
                raise InputError(
                    f"recogniser {name}: {(kind, start, end)!r} of a text of {len(text)} characters is no finding",
                    remedy=f"return (type, start, end); types are {', '.join(Kind)}",
                )
            yield Finding(start, end, Kind(kind), f"own.{name}")


def scrub_answer(text: str, policy: Policy, tally: Tally | None = None) -> str:
    """A text that may be JSON: then its values are scrubbed one by one and it stays JSON."""
    if text[:1] in {"{", "["}:
        try:
            value = json.loads(text)
            own = Tally()
            clean = scrub_value(value, policy, own)
            written = text if clean == value else json.dumps(clean, ensure_ascii=False)
        except (ValueError, RecursionError):  # no JSON, or nested so deep that it is no answer
            pass
        else:
            if tally is not None:
                tally.counts.update(own.counts)
            return written
    return scrub_text(text, policy, tally)


def scrub_text(text: str, policy: Policy, tally: Tally | None = None) -> str:
    """The scrubbed text; what was changed is counted."""
    if not text:
        return text
    done = scrub(text, policy)
    if tally is not None:
        tally.counts.update(one.type.value for one in done.findings if policy.actions[one.type] != "keep")
    return done.text


def scrub_value(value: Any, policy: Policy, tally: Tally | None = None) -> Any:
    """A value of JSON with every text in it scrubbed; a number that is found becomes 0, so that it stays a number.

    Raises:
        RecursionError: it is nested too deep.
    """
    if isinstance(value, str):
        return scrub_text(value, policy, tally)
    if isinstance(value, dict):
        return {name: scrub_value(one, policy, tally) for name, one in value.items()}
    if isinstance(value, list):
        return [scrub_value(one, policy, tally) for one in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**6:
        return value if scrub_text(str(value), policy, tally) == str(value) else 0
    return value


PSEUDONYM = re.compile(
    rf"{MARK.pattern}|\+56 9 00\d{{7}}|[a-z2-7]{{8}}@anon\.invalid|\d{{2}}\.?\d{{3}}\.?\d{{3}}-?[\dkK]"
)


def restore(text: str, vault: Vault) -> str:
    """A text with every pseudonym that the vault knows put back as it was written."""
    return PSEUDONYM.sub(lambda match: vault.value(match[0]) or match[0], text)
