"""What a model is sent, and what is read of its answer."""

import json
from typing import Any

import pytest

from afina.ids import ModelVersionId
from afina.serve.bodies import bound, read_answer, tightened, told_first
from afina.serve.route import LiveVersion
from afina.serve.target import Target, Upstream
from afina.serve.transport import TargetFailedError

V1 = Target(
    name="v1",
    task="t",
    url="",
    version=LiveVersion(id=ModelVersionId("m"), name="v1", task="t", gguf="", rollout="", canary=False, share=0.0),
)
THERE = Target(name="there", task="t", url="", upstream=Upstream(name="there", url=""))
ASKED = [{"role": "user", "content": "hola"}]


def reply(**message: Any) -> dict[str, Any]:
    """A chat completion."""
    return {"model": "file.gguf", "choices": [{"message": message}]}


def test_a_prompt_stands_first_unless_the_caller_brings_one() -> None:
    """Also as OpenAI's newer role; what is no list of messages is left to whoever checks it."""
    own = [{"role": "developer", "content": "Sé breve."}, *ASKED]

    assert told_first(ASKED, "Eres Gus.") == [{"role": "system", "content": "Eres Gus."}, *ASKED]
    assert told_first(own, "Eres Gus.") == own
    assert told_first(ASKED, "") == ASKED
    assert told_first("hola", "Eres Gus.") == "hola"


def test_an_answer_is_bound_by_a_schema_where_there_is_one() -> None:
    """And the probabilities are asked for, which its confidence is made of."""
    found = bound({"messages": ASKED}, {"type": "object"})

    assert found["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert found["logprobs"] is True
    assert bound({"messages": ASKED}, None) == {"messages": ASKED}


def test_a_worker_is_bound_to_compact_json() -> None:
    """By the grammar's own words; with tools, or in words that the grammar may not know, as it was."""
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}

    found = tightened({"messages": ASKED, "response_format": form})

    assert "response_format" not in found
    assert found["grammar"].startswith("%llguidance {}\nstart: %json {")
    for body in (
        {"response_format": form, "tools": [1]},
        {"response_format": {"type": "json_object"}},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}},
        {"messages": ASKED},
    ):
        assert tightened(body) == body
    odd = {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "string", "format": "date"}}}
    assert tightened({"response_format": odd}) == {"response_format": odd}


def test_a_versions_thinking_is_taken_out_and_an_upstreams_only_not_recorded() -> None:
    """The caller of an upstream gets what it said, as it said it."""
    ours, theirs = (reply(content="<think>hm</think>Sí.", reasoning_content="hm") for _ in range(2))

    assert read_answer(ours, V1) == read_answer(theirs, THERE) == "Sí."
    assert ours == {"model": "v1", "choices": [{"message": {"content": "Sí."}}]}
    assert theirs == reply(content="<think>hm</think>Sí.", reasoning_content="hm")


def test_an_answer_that_only_calls_tools_is_its_calls() -> None:
    """As JSON."""
    calls = [{"id": "1", "function": {"name": "stock"}}]

    assert json.loads(read_answer(reply(content=None, tool_calls=calls), THERE)) == calls


@pytest.mark.parametrize("value", [{}, {"choices": []}, {"choices": [7]}, {"choices": [{"message": None}]}])
def test_what_is_no_chat_completion_is_a_failure_of_the_model(value: dict[str, Any]) -> None:
    """Whoever answered: the next one may do better."""
    with pytest.raises(TargetFailedError, match="chat completion"):
        read_answer(value, THERE)
