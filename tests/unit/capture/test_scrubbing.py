"""Records without personal data."""

from typing import Any

from afina.capture import scrub_entry, scrub_exchange, scrub_feedback, scrub_interaction
from afina.ids import ClientId, FeedbackId, InteractionId
from afina.privacy import NOTHING, make_policy
from afina.records import ANSWER, Entry, Exchange, Feedback, FeedbackKind, Interaction, Turn
from afina.settings import PrivacyPolicy

RUT = "18.972.631-7"
POLICY = make_policy(PrivacyPolicy())


def interaction(**fields: Any) -> Interaction:
    """One that says nothing personal but what is given."""
    given: dict[str, Any] = {"text": "hola", "answer": "hola", **fields}
    return Interaction(
        id=InteractionId("int_1"), client=ClientId("a"), user="u", task="t", source="s", external_id="e", **given
    )


def test_every_text_of_an_interaction_is_scrubbed_and_counted() -> None:
    """Message, answer, reaction, context, facts, parameters, error."""
    done = scrub_interaction(
        interaction(
            text=f"mi rut es {RUT}",
            answer=f'{{"rut": "{RUT}"}}',
            reaction=f"no, {RUT}",
            context=(Turn("user", RUT), Turn("assistant", f"anoto {RUT}")),
            facts={"nota": RUT},
            parameters={"metadata": {"rut": RUT}, "tools": [{"description": f"como {RUT}"}]},
            error=f"unknown {RUT}",
        ),
        POLICY,
    )

    assert RUT not in str(done).replace(f"como {RUT}", "")
    assert done.answer == '{"rut": "[RUT]"}'
    assert done.findings == {"RUT": 8}


def test_the_operators_own_words_stay() -> None:
    """How to reach the shop stands in the system prompt on purpose; what a tool is for is the program's own."""
    own = Turn("system", "Eres de la tienda, +56 9 8765 4321")

    assert scrub_interaction(interaction(context=(own,)), POLICY).context == (own,)


def test_labels_are_no_texts_and_corrected_answers_are() -> None:
    """A class may be called like a person."""
    feedback = Feedback(
        id=FeedbackId("fbk_1"),
        client=ClientId("a"),
        interaction=InteractionId("int_1"),
        kind=FeedbackKind.CORRECTED,
        value={"vendedora": "Camila", ANSWER: f"su rut es {RUT}"},
        reviewer="r",
        comment=f"era {RUT}",
    )
    done = scrub_feedback(feedback, POLICY)

    assert done.value == {"vendedora": "Camila", ANSWER: "su rut es [RUT]"}
    assert done.comment == "era [RUT]"
    assert scrub_entry(Entry(interaction=interaction(), feedback=feedback, line=1), POLICY).feedback == done


def test_an_exchange_says_that_it_was_scrubbed() -> None:
    """Document 002's `meta.pii_scrubbed`; without scrubbing it says nothing."""
    exchange = Exchange(id="int_1", turns=(Turn("user", RUT),), answer=RUT, value={ANSWER: RUT}, reaction=RUT)

    done = scrub_exchange(exchange, POLICY)
    assert RUT not in str(done)
    assert done.facts == {"pii_scrubbed": True}
    assert scrub_exchange(exchange, NOTHING) == exchange
