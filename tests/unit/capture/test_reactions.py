"""What later messages say of earlier answers."""

import pytest

from afina.capture.reactions import Said, signals_of


def talk(*texts: str) -> list[Said]:
    """A conversation of these messages; every answer is a statement."""
    return [Said(id=str(at), text=text, answer="Listo, eso sería.") for at, text in enumerate(texts)]


def qualities(*texts: str) -> list[int]:
    """Of every answer but the last."""
    return [one.score.quality for one in signals_of(talk(*texts))]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("¿tienen sillas?",), []),
        (("¿tienen sillas?", "perfecto, gracias"), [5]),
        (("¿tienen sillas?", "no me gusta"), [1]),
        (("no tengo internet", "gracias", "sigue sin funcionar"), [1, 1]),
        (("no tengo internet", "ok", "funcionó!!"), [5, 5]),
        (("¿tienen sillas?", "gracias", "¿y mesas?"), [5, 3]),
        (("¿tienen sillas?", "no me sirve", "gracias"), [1, 5]),
    ],
)
def test_thanks_are_not_the_last_word(texts: tuple[str, ...], expected: list[int]) -> None:
    """What failed or worked after thanks counts for what was thanked for; a new question does not, nor do thanks after a refusal."""
    assert qualities(*texts) == expected


def test_a_signal_names_its_evidence() -> None:
    """The message that was read, not the thanks before it."""
    first, second = signals_of(talk("no tengo internet", "gracias", "sigue sin funcionar"))

    assert (first.interaction, first.reaction) == ("0", "2")
    assert (second.interaction, second.reaction) == ("1", "2")
