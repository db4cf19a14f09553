"""What was found in a text: its type, where it stands, and the rule that found it. Never the value."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from afina.privacy.plain import Plain


class Kind(StrEnum):
    """Types of personal data and secrets, the surer ones first: where two findings overlap the earlier type is kept."""

    URL_TOKEN = "URL_TOKEN"  # noqa: S105
    SECRET = "SECRET"  # noqa: S105
    EMAIL = "EMAIL"
    URL = "URL"
    IBAN = "IBAN"
    CARD = "CARD"
    RUT = "RUT"
    SSN = "SSN"
    IP = "IP"
    ACCOUNT = "ACCOUNT"
    DATE_OF_BIRTH = "DATE_OF_BIRTH"
    PHONE = "PHONE"
    ADDRESS = "ADDRESS"
    AMOUNT = "AMOUNT"
    PERSON = "PERSON"


RANK = {kind: rank for rank, kind in enumerate(Kind)}


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Characters `start` to `end` of a text are of this type; `rule` says what saw it."""

    start: int
    end: int
    type: Kind
    rule: str


Recogniser = Callable[[Plain], Iterable[Finding]]
"""Reads a plain text; its findings count characters of the plain form."""
