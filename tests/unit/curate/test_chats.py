"""Which answers of a conversation are learnt."""

from afina.curate.chats import curate_chats

from afina.records import Conversation, Turn
from afina.settings import ChatSettings


def talk(name: str, *contents: str) -> Conversation:
    """User and assistant in turn."""
    turns = tuple(Turn("user" if at % 2 == 0 else "assistant", text) for at, text in enumerate(contents))
    return Conversation(id=name, turns=turns)


def test_every_answer_is_kept_or_rejected_with_its_reason() -> None:
    """Good reaction in, bad reaction, no reaction and duplicate out."""
    conversations = [
        talk("a", "precio?", "Cuesta 10.", "gracias"),
        talk("b", "precio?", "Cuesta 20.", "no me sirve"),
        talk("c", "precio?", "Cuesta 30."),
        talk("d", "hola", "Hola. ¿Qué buscas?", "una taza", "Tenemos tazas.", "perfecto"),
        talk("e", "precio?", "Cuesta 10.", "gracias"),
    ]

    curated = curate_chats(conversations, ChatSettings(system="Breve."))

    assert [e.id for e in curated.examples] == ["d#1", "d#3", "e#1"]
    reasons = {r.source: r.reason for r in curated.rejections}
    assert reasons["a#1"] == "exact duplicate of a newer exchange"
    assert reasons["b#1"].startswith("quality 1")
    assert reasons["c#1"] == "no reaction to judge it by"
    assert curated.examples[1].context == (
        Turn("system", "Breve."),
        Turn("user", "hola"),
        Turn("assistant", "Hola. ¿Qué buscas?"),
        Turn("user", "una taza"),
    )


def test_the_newest_are_kept_when_there_are_too_many() -> None:
    """Document 003's limit."""
    conversations = [talk(str(n), f"pregunta {n}", f"Respuesta {n}.", "gracias") for n in range(5)]

    curated = curate_chats(conversations, ChatSettings(newest=2))

    assert [e.group for e in curated.examples] == ["3", "4"]
    assert sum("older than the newest 2" in r.reason for r in curated.rejections) == 3


def test_a_conversations_own_system_turn_stays() -> None:
    """The setting is for those that bring none."""
    conversation = Conversation(
        id="a",
        turns=(Turn("system", "Propio."), Turn("user", "a"), Turn("assistant", "b"), Turn("user", "gracias")),
    )

    curated = curate_chats([conversation], ChatSettings(system="Otro."))

    assert curated.examples[0].context[0].content == "Propio."
