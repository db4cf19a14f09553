"""Text → the same text without personal data and secrets, and what was found in it. Asks no model."""

from afina.privacy.find import find
from afina.privacy.finding import Finding, Kind
from afina.privacy.scrub import (
    NOTHING,
    Policy,
    Scrubbed,
    Tally,
    make_policy,
    restore,
    scrub,
    scrub_answer,
    scrub_text,
    scrub_value,
)
from afina.privacy.vault import Vault

__all__ = [
    "NOTHING",
    "Finding",
    "Kind",
    "Policy",
    "Scrubbed",
    "Tally",
    "Vault",
    "find",
    "make_policy",
    "restore",
    "scrub",
    "scrub_answer",
    "scrub_text",
    "scrub_value",
]
