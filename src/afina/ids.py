"""Typed, time-sortable identifiers.

An id is a prefix naming its record, then 48 bits of milliseconds and 80 random bits in base 32 (the ULID layout), so
that ids sort by time in any index and say what they belong to in any log line. Ids of one process sort in the order in
which they were made, also within a millisecond: the later row of a file is the later decision.
"""

import secrets
import threading
import time
from hashlib import blake2b
from typing import NewType

ClientId = NewType("ClientId", str)
InteractionId = NewType("InteractionId", str)
FeedbackId = NewType("FeedbackId", str)
ExampleId = NewType("ExampleId", str)
DatasetId = NewType("DatasetId", str)
RunId = NewType("RunId", str)
ModelVersionId = NewType("ModelVersionId", str)
VerdictId = NewType("VerdictId", str)
RolloutId = NewType("RolloutId", str)

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


LOCK = threading.Lock()
LAST = [0]


def new_id(prefix: str) -> str:
    """A new id such as `run_01k9…`, above all that this process made before."""
    with LOCK:
        number = LAST[0] = max(LAST[0] + 1, (time.time_ns() // 1_000_000 << 80) | secrets.randbits(80))
    digits = []
    for _ in range(26):
        number, digit = divmod(number, 32)
        digits.append(ALPHABET[digit])
    return f"{prefix}_{''.join(reversed(digits))}"


def example_id(source: str, number: int = 0) -> ExampleId:
    """The id of the example with this number out of one interaction: the same each time it is made."""
    return ExampleId(f"exa_{blake2b(f'{source}#{number}'.encode(), digest_size=13).hexdigest()}")


def base_name(base: str) -> str:
    """What a base is called in the names of the versions made from it: the last part of a path or an id, without a colon."""
    last = base.rstrip("/").split("/")[-1].removesuffix(".gguf").lower()
    return last.removeprefix("ollama:").removeprefix("pypi:").replace("==", "-").replace(":", "-")
