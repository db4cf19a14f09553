"""Along the wheel, back and forth."""

import pytest

from afina.errors import InputError
from afina.flows.project import Project
from afina.lineage import Node, reached, why


def kinds(node: Node) -> set[str]:
    """Every kind of record on a way."""
    return {node.kind, *(kind for one in node.behind for kind in kinds(one))}


def test_an_id_leads_back_to_the_messages_and_forth_to_the_model(people: Project) -> None:
    """From the version to what people said, and from a user to the version; no example is without its interaction."""
    with people.session() as session:
        back, forth = why(session, "v1"), reached(session, "u7")

        assert kinds(back) == {"version", "run", "dataset", "example", "interaction", "feedback"}
        assert kinds(forth) >= {"user", "interaction", "example", "dataset", "run", "version"}
        dataset = back.behind[0].behind[0]
        assert len(dataset.behind) == 120
        assert len(forth.behind) == 3
        assert all(one.behind[0].kind == "interaction" for one in dataset.behind)
        assert "not judged" in back.told


def test_every_id_on_the_way_can_be_asked_for(people: Project) -> None:
    """And what is none is said to be none."""
    with people.session() as session:
        row = session.execute(
            "SELECT e.id AS example, e.interaction_id, e.curation_id, f.id AS feedback FROM ml.examples e "
            "JOIN app.feedback f ON f.interaction_id = e.interaction_id LIMIT 1"
        ).fetchone()
        assert row is not None
        assert [reached(session, one).kind for one in row.values()] == [
            "example",
            "interaction",
            "curation",
            "feedback",
        ]
        with pytest.raises(InputError, match="nothing has the id 'nobody'"):
            why(session, "nobody")


def test_of_many_only_some_are_followed(people: Project) -> None:
    """The others are named."""
    with people.session() as session:
        dataset = why(session, "v1", most=5).behind[0].behind[0]

    assert len(dataset.behind) == 120
    assert sum(bool(one.behind) for one in dataset.behind) == 5
