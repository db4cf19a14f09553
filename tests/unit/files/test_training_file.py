"""Which examples are exported."""

from dataclasses import replace

import pytest

from afina.files.training_file import Selection
from afina.records import Origin
from tests.tasks import labelled, replied

LABELLED = replace(
    labelled("1", "hola", topic="envio", intent="consulta"),
    origin=Origin(confidence=0.8, at="2026-05-10T12:00:00+00:00"),
)
REPLIED = replace(replied("2", "hola", "Hola.", category="precio"), stratum="")


@pytest.mark.parametrize(
    ("selection", "labelled_too", "replied_too"),
    [
        (Selection(), True, True),
        (Selection(intents=("envio",)), True, False),
        (Selection(intents=("consulta", "precio")), True, True),
        (Selection(intents=("env",)), False, False),
        (Selection(min_confidence=0.8), True, False),
        (Selection(min_confidence=0.81), False, False),
        (Selection(since="2026-05-10"), True, False),
        (Selection(since="2026-05-11"), False, False),
        (Selection(until="2026-05-10"), True, False),
        (Selection(until="2026-05-09"), False, False),
    ],
)
def test_what_is_wanted(selection: Selection, labelled_too: bool, replied_too: bool) -> None:
    """A class, a category, a confidence, days, both included. What is not known is not wanted where it is asked for."""
    assert selection.holds(LABELLED) is labelled_too
    assert selection.holds(REPLIED) is replied_too
