"""The prompt that a reply is asked with."""

import pytest

from afina.serve.context import Context, Manner, told
from afina.settings import ReplySettings

SETTINGS = ReplySettings(instructions="Eres Gus.")


@pytest.mark.parametrize(
    ("intensity", "has", "lacks"),
    [(0.8, "emojis con moderación", "sobrio"), (0.5, "", "emojis"), (0.3, "sobrio y directo", "Anima")],
)
def test_intensity_changes_the_manner_and_never_the_facts(intensity: float, has: str, lacks: str) -> None:
    """From 0.8 encouragement, up to 0.3 sober; the value stands in the prompt, because the model was trained to read it."""
    text = told(SETTINGS, "", Context(manner=Manner(locale="es-CL", intensity=intensity, tone="coach")))

    assert has in text
    assert lacks not in text
    assert f"intensity={intensity:g}" in text
    assert "El tono nunca cambia cifras" in text


def test_everything_has_its_place() -> None:
    """Instructions, then the manner, then what is known, then the person's state."""
    context = Context(
        manner=Manner(tone="formal"), chunks=["La UF es diaria."], state={"ahorro": 12000, "meta": "viaje"}
    )
    lines = told(SETTINGS, "unused", context).splitlines()

    assert lines[0] == "Eres Gus."
    assert lines[1] == "locale=es intensity=0.5 tone=formal"
    assert lines[2].startswith("Trata a la persona de usted.")
    assert lines[3:] == [
        "Lo que se sabe:",
        "- La UF es diaria.",
        'Estado de la persona: {"ahorro": 12000, "meta": "viaje"}',
    ]


def test_without_instructions_the_tasks_prompt_stands_first() -> None:
    """In English for an English locale."""
    text = told(ReplySettings(), "You are Gus.", Context(manner=Manner(locale="en-GB", intensity=1)))

    assert text.startswith("You are Gus.\n")
    assert "Encourage the person" in text
