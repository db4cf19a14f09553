"""What people say becomes feedback, one record for each thing."""

from afina.ids import ClientId
from afina.records import FeedbackKind
from afina.serve.opinions import DISLIKED, LIKED, Opinion, feedback_of


def test_several_things_at_once_are_several_records() -> None:
    """The comment goes with the first; NUL, which PostgreSQL cannot hold, is gone."""
    opinion = Opinion.model_validate(
        {
            "interaction": "int_1",
            "correction": "bien\x00",
            "rating": 2,
            "liked": False,
            "outcome": {"name": "sale", "value": 12990.5},
            "comment": "no\x00",
        }
    )
    found = feedback_of(opinion, client=ClientId("c"))

    assert [(one.kind, one.value, one.rating, one.comment) for one in found] == [
        (FeedbackKind.CORRECTED, {"answer": "bien"}, None, "no"),
        (FeedbackKind.RATED, {}, 2, ""),
        (FeedbackKind.RATED, {"liked": "false"}, DISLIKED, ""),
        (FeedbackKind.OUTCOME, {"name": "sale", "value": "12990.5"}, None, ""),
    ]
    assert {(one.client, one.interaction, one.conversation) for one in found} == {("c", "int_1", "")}
    assert len({one.id for one in found}) == 4


def test_a_thumb_is_a_rating() -> None:
    """The best or the worst, and still known as a thumb."""
    up = feedback_of(Opinion(conversation="chat", liked=True), client=ClientId("c"))

    assert [(one.rating, one.value, one.interaction, one.conversation) for one in up] == [
        (LIKED, {"liked": "true"}, None, "chat")
    ]
