"""Every recogniser over a text; where findings overlap the surer type stays."""

from bisect import bisect
from collections.abc import Sequence

from afina.privacy.addresses import addresses
from afina.privacy.contacts import addresses_of_machines, emails, phones, urls
from afina.privacy.cued import amounts, births
from afina.privacy.finding import RANK, Finding, Recogniser
from afina.privacy.ids import accounts, cards, ibans, ruts, ssns
from afina.privacy.names import people
from afina.privacy.plain import plain
from afina.privacy.pseudonyms import MARK
from afina.privacy.secrets import keys, passwords

RECOGNISERS: tuple[Recogniser, ...] = (
    keys, passwords, urls, emails, ibans, cards, ruts, ssns, addresses_of_machines, accounts, births, phones, addresses, amounts, people,
)  # fmt: skip

NEUTRAL = "¤"
"""Stands for marks of an earlier scrubbing while a text is read: `[RUT]` is no cue for the number after it."""


def find(text: str) -> list[Finding]:
    """Personal data and secrets in a text, in its order, none overlapping another."""
    read = plain(MARK.sub(lambda mark: NEUTRAL * len(mark[0]), text) if "[" in text else text)
    found = [
        one for recogniser in RECOGNISERS for one in recogniser(read) if NEUTRAL not in read.text[one.start : one.end]
    ]
    return [Finding(*read.span(one.start, one.end), one.type, one.rule) for one in merged(found)]


def merged(found: Sequence[Finding]) -> list[Finding]:
    """Without overlaps: the surer type, of one type the longer, wins."""
    chosen: list[Finding] = []
    for one in sorted(found, key=lambda one: (RANK[one.type], one.start - one.end, one.start)):
        at = bisect(chosen, one.start, key=lambda other: other.start)
        free_before = at == 0 or chosen[at - 1].end <= one.start
        if free_before and (at == len(chosen) or one.end <= chosen[at].start):
            chosen.insert(at, one)
    return chosen
