"""A client of a worker."""

from afina.runtime import Drawn
from afina.runtime.client import penalty


def test_how_an_answer_is_drawn_in_llama_cpps_words() -> None:
    """What is not asked for is not said: other servers refuse keys that they do not know."""
    assert penalty(Drawn(0.7, 0)) == {}
    assert penalty(Drawn(0.7, 0, repeat_penalty=1.15)) == {"repeat_penalty": 1.15, "repeat_last_n": 256}
    assert penalty(Drawn(0.7, 0, dry=0.8)) == {
        "dry_multiplier": 0.8,
        "dry_allowed_length": 12,
        "dry_penalty_last_n": 1024,
    }
