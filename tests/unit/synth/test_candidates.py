"""Candidates: kept or refused with a reason."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afina.roles.role import find_role, packaged_folder
from afina.synth.candidates import Candidate, Filter, Written, judged, reasons_of, renumbered, too_few

BA = find_role("ba", project=packaged_folder())
SEEDS = BA.seeds()
HOW = Filter(schema=BA.schema)


def written(identity: str, text: str, **more: Any) -> Written:
    """What a model wrote for the first seed's concept."""
    return Written(id=identity, question=SEEDS[0].question, text=text, **more)


def changed(**more: Any) -> str:
    """The first seed's answer with other fields."""
    return json.dumps({**SEEDS[0].answer, **more})


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (written("c1", SEEDS[0].text), ""),
        (written("c1", "", error="the model did not answer (ReadTimeout)"), "the model did not answer (ReadTimeout)"),
        (written("c1", ""), "no structure"),
        (written("c1", SEEDS[0].text[:300], cut=True), "cut off: its tokens ran out"),
        (written("c1", changed(title="Short")), "schema: title: 'Short' is too short"),
        (
            written("c1", changed(non_functional_requirements=[])),
            "schema: non_functional_requirements: [] should be non-empty",
        ),
        (written("c1", changed(title="Bookings " * 11)), "cut off by its length: …kings Bookings"),
        (
            written("c1", changed(constraints=[{"id": "C001", "description": "x" * 186}])),
            "cut off by its length: …xxx",
        ),
        (
            written("c1", changed(functional_requirements=SEEDS[0].answer["functional_requirements"][:1])),
            "schema: functional_requirements",
        ),
    ],
)
def test_an_answer_is_kept_or_refused_with_a_reason(one: Written, reason: str) -> None:
    """Document 001's filter: valid, two functional and one non-functional requirement, lengths, ids, score."""
    found = judged([one], HOW)[0]
    assert found.reason.startswith(reason) if reason else not found.reason


def test_an_entry_that_did_not_end_is_left_out() -> None:
    """The others are counted anew; where too few would be left, all stay and the answer is refused."""
    own = SEEDS[0].answer["constraints"]
    long = {"id": "C001", "description": "x" * 186}
    found = judged([written("c1", changed(constraints=[long, own[0]]))], HOW)[0]
    assert not found.reason
    assert json.loads(found.answer)["constraints"] == [{**own[0], "id": "C001"}]
    refused = judged([written("c1", changed(constraints=[long, long]))], HOW)[0]
    assert refused.reason.startswith("cut off by its length")
    assert len(json.loads(refused.answer)["constraints"]) == 2


def test_a_low_score_is_refused() -> None:
    """The answer to something else: whole, but about nothing that was asked, and it repeats itself."""
    same = {"description": "The system must do all that is needed by all of its users.", "priority": "High"}
    text = changed(
        title="A system that does everything",
        description="The system must do all that is needed by all of its users. " * 3,
        functional_requirements=[{"id": f"FR00{at}", **same} for at in range(1, 6)],
    )
    found = judged([written("c1", text)], HOW)[0]
    assert found.reason.startswith("score 0.")


def test_of_two_that_are_nearly_the_same_the_better_one_is_kept() -> None:
    """Whatever their order."""
    worse = changed(
        constraints=[{"id": "C001", "description": "The clinic keeps its current text message plan, as it is."}]
    )
    for order in ([worse, SEEDS[0].text], [SEEDS[0].text, worse]):
        found = judged([written(f"c{at}", text) for at, text in enumerate(order)], HOW)
        assert sum(not one.reason for one in found) == 1
        assert any(one.reason.startswith("nearly the same as c") for one in found)


def test_ids_are_counted_anew_with_what_refers_to_them() -> None:
    """A model counts badly; nobody is to learn that."""
    text = '{"epics": [{"id": "E005"}, {"id": "E007"}], "stories": [{"id": "S009", "epic": "E007"}]}'
    assert json.loads(renumbered(text)) == {
        "epics": [{"id": "E001"}, {"id": "E002"}],
        "stories": [{"id": "S001", "epic": "E002"}],
    }


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            {
                "epics": [
                    {"id": "E001", "stories": [{"id": "S002"}]},
                    {"id": "E003", "stories": [{"id": "S007", "after": "S002"}]},
                ]
            },
            {
                "epics": [
                    {"id": "E001", "stories": [{"id": "S001"}]},
                    {"id": "E002", "stories": [{"id": "S002", "after": "S001"}]},
                ]
            },
        ),
        (
            {"must": [{"id": "R001"}, {"id": "R002"}], "should": [{"id": "R003"}], "first": "R003"},
            {"must": [{"id": "R001"}, {"id": "R002"}], "should": [{"id": "R003"}], "first": "R003"},
        ),
        (
            {"stories": [{"id": "S002"}], "weeks": [{"week": 1, "stories": [{"id": "S002"}]}]},
            {"stories": [{"id": "S002"}], "weeks": [{"week": 1, "stories": [{"id": "S002"}]}]},
        ),
    ],
    ids=["in lists of lists", "two lists of one kind", "an id that names another list's entry"],
)
def test_ids_count_over_the_whole_answer(text: dict[str, Any], wanted: dict[str, Any]) -> None:
    """A role of one's own may nest its lists, or have two of one kind."""
    assert json.loads(renumbered(json.dumps(text))) == wanted


def test_an_id_that_is_given_twice_and_referred_to_stays() -> None:
    """Nobody knows which one was meant: the check finds it."""
    text = '{"epics": [{"id": "E001"}, {"id": "E001"}], "stories": [{"id": "S001", "epic": "E001"}]}'
    assert json.loads(renumbered(text)) == json.loads(text)


@given(st.text(max_size=60))
def test_what_is_no_structure_stays_as_it_is(text: str) -> None:
    """And nothing raises."""
    found = renumbered(text)
    assert isinstance(found, str)


def test_too_few_says_why_and_what_helps() -> None:
    """By what went wrong most."""
    low = [
        Candidate(id=f"c{at}", question="q", answer="a", score=0.3, scores={}, reason="score 0.30 below 0.7")
        for at in range(8)
    ]
    told, remedy = too_few(low, 100)
    assert told == "0 examples of 8 were good enough, 100 are asked for: 8 score"
    assert "afina bench-models" in remedy
    twins = [
        Candidate(id=f"c{at}", question="q", answer="a", score=0.9, scores={}, reason="nearly the same as c0001")
        for at in range(7)
    ]
    good = Candidate(id="c9", question="q", answer="a", score=0.9, scores={})
    told, remedy = too_few([*twins, good], 100)
    assert "1 examples of 8" in told
    assert "two or three times as many concepts" in remedy
    assert reasons_of(twins) == {"nearly the same as": 7}


@pytest.mark.parametrize("text", ["title: 2024-01-01", "2024-01-01: x", "a: !!set {b}", '{"title": "x \\ud83d"}'])
def test_what_json_cannot_say_is_no_crash(text: str) -> None:
    """A date, a set, half a character: YAML and JSON of small models have them. It can be written down."""
    renumbered(text).encode("utf-8")
