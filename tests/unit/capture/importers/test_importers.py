"""Exports of other tools, as those tools write them."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afina.capture.importers import KINDS, entry_of, kind_of, talks
from afina.capture.importers.source import Item
from afina.errors import InputError
from afina.ids import ClientId

EXPORTS = Path(__file__).parents[3] / "data" / "importers"
NO_SNAPSHOT = "ec050e57-c6a9-5a0c-a20a-5b63c93d03d4"
RATINGS = {"up": 5, "down": 1}
APART = {
    "openai/conversations.json": "openai/message_feedback.json",
    "langfuse/api_traces.json": "langfuse/api_scores.json",
}
"""Exports whose ratings stand in another file."""
REFUSED = {
    "generic/cortado.jsonl": "line 5",
    "generic/cortado_en_caracter.jsonl": "line 2",
    "generic/irregular.csv": "line 3",
    "openai/requests.jsonl": "line 10",
}
"""Files that are cut or torn: named, and nothing of them is taken."""
OTHERWISE = {
    "openai/message_feedback.json",
    "openai/stored_completions.json",
    "openwebui/feedback-history-export-1772300200000.csv",
    "langfuse/blob/observations_v2/2026-03-12T12-00-00-000Z.jsonl",
    "langfuse/blob/traces/2026-03-12T12-00-00-000Z.jsonl",
}
"""No conversations of their own, or (the blob) ratings in a third file."""


def expected() -> list[tuple[str, list[dict[str, Any]]]]:
    """File → what is right of it."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(EXPORTS.glob("*/expected.json")):
        for row in json.loads(path.read_text("utf-8")):
            found.setdefault(f"{path.parent.name}/{row['file']}", []).append(row)
    return [(name, rows) for name, rows in found.items() if name not in {*REFUSED, *OTHERWISE}]


@pytest.mark.parametrize(("name", "rows"), expected(), ids=[name for name, _ in expected()])
def test_answers_of_the_branch_that_was_shown_with_their_ratings(name: str, rows: list[dict[str, Any]]) -> None:
    """Conversation, id, person, question, answer, rating and comment; regenerated answers, edited questions, tools and failures aside."""
    path = EXPORTS / name
    ratings = EXPORTS / APART[name] if name in APART else None
    found = []
    for talk in talks(path, kind_of(path), ratings=ratings):
        entry, _ = entry_of(talk, client=ClientId("c"), task="t", source="s")
        one = entry.interaction
        rating = entry.feedback.rating if entry.feedback else None
        found.append(
            (one.conversation, one.user, one.text, one.answer, rating, entry.feedback.comment if entry.feedback else "")
        )
        assert talk.id or one.external_id
    wanted = [
        (
            r["conversation_id"],
            r["user_id"],
            r["user"],
            r["answer"],
            RATINGS.get(r["rating"], r["rating"]),
            r.get("comment") or "",
        )
        for r in rows
        if "feedback" not in name
        or r["conversation_id"] != NO_SNAPSHOT  # rated without a snapshot: its words are in the other export
    ]

    assert sorted(map(str, found)) == sorted(map(str, wanted))


@pytest.mark.parametrize(("name", "said"), REFUSED.items())
def test_what_is_cut_is_named(name: str, said: str) -> None:
    """By its line."""
    with pytest.raises(InputError, match=said):
        list(talks(EXPORTS / name, KINDS["table"]))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "nothing in it|no whole JSON"),
        ("[]", "nothing in it"),
        ("[1, 2]", "no export that is known"),
        ('[{"a": 1}]', "--map"),
        ("nonsense", "no whole JSON"),
    ],
)
def test_what_is_no_export_is_said(tmp_path: Path, content: str, said: str) -> None:
    """With what was found instead."""
    path = tmp_path / "a.json"
    path.write_text(content)

    with pytest.raises(InputError) as caught:
        kind_of(path)
    assert any(one in f"{caught.value} {caught.value.remedy}" for one in said.split("|"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "chat",
                    "history",
                    "messages",
                    "currentId",
                    "mapping",
                    "conversations",
                    "from",
                    "value",
                    "data",
                    "meta",
                    "type",
                    "events",
                    "event",
                    "sender_id",
                    "request",
                    "response",
                    "choices",
                    "prompt",
                    "text",
                    "answer",
                    "rating",
                    "role",
                    "content",
                    "input",
                    "output",
                    "id",
                    "annotation",
                    "feedback",
                    "children",
                    "parent",
                    "parentId",
                    "messageId",
                    "parentMessageId",
                    "conversationId",
                    "snapshot",
                    "timestamp",
                    "scores",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=14,
)


@pytest.mark.parametrize("kind", list(KINDS))
@given(rows=st.lists(JSON, max_size=3))
def test_no_form_of_json_breaks_a_reader(kind: str, rows: list[Any]) -> None:
    """An export of another version may lack or add anything."""
    for talk in KINDS[kind].read([Item(row, 1) for row in rows]):
        assert talk.answer
        assert talk.turns[-1].role == "user"


def test_the_same_answer_has_the_same_name_twice(tmp_path: Path) -> None:
    """Without an id of its own it is known by what was said, whatever else is in the file."""
    path = EXPORTS / "sharegpt" / "sharegpt.jsonl"
    names = [
        entry_of(talk, client=ClientId("c"), task="t", source="s")[0].interaction.external_id
        for _ in range(2)
        for talk in talks(path, KINDS["sharegpt"])
    ]

    assert names[: len(names) // 2] == names[len(names) // 2 :]
    assert len(set(names)) == len(names) // 2


def test_columns_are_mapped_by_hand_where_names_say_nothing(tmp_path: Path) -> None:
    """And a column that is not there is named with those that are."""
    path = tmp_path / "a.csv"
    path.write_text("a,b,c\n¿abren?,sí,5\n¿cierran?,no,2\n")
    [first, second] = talks(path, KINDS["table"], mapping={"text": "a", "answer": "b", "rating": "c"})

    assert (first.turns[-1].content, first.answer, first.rating, second.rating) == ("¿abren?", "sí", 5, 2)
    with pytest.raises(InputError, match="no column 'z'"):
        list(talks(path, KINDS["table"], mapping={"text": "z"}))
