"""What reaches a worker: known, typed, bounded."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afina.serve.completion import Completion, read_completion, to_worker
from afina.serve.problems import RequestProblem
from afina.serve.schema_bounds import schema_problem

ASKED: dict[str, Any] = {"messages": [{"role": "user", "content": "hola"}]}


def bound(schema: Any) -> dict[str, Any]:
    """A body that binds its answer."""
    return {**ASKED, "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}}


def deep(levels: int) -> dict[str, Any]:
    """A schema of so many levels."""
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "`messages`"),
        ({"messages": []}, "`messages`"),
        ({"messages": [{"content": "x"}]}, "`messages[0].role`"),
        ({"messages": [{"role": "boss", "content": "x"}]}, "`messages[0].role`"),
        ({"messages": [{"role": "user"}]}, "needs `content`"),
        ({"messages": [{"role": "user", "content": 5}]}, "must be a text or a list"),
        ({"messages": [{"role": "user", "content": [None]}]}, "part 0 has no text"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": None}]}]}, "part 0 has no text"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
            "reads text only",
        ),
        ({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "reads text only"),
        ({**ASKED, "temperature": "hot"}, "`temperature`"),
        ({**ASKED, "temperature": -1}, "`temperature`"),
        ({**ASKED, "max_tokens": 0}, "`max_tokens`"),
        ({**ASKED, "max_tokens": True}, "`max_tokens`"),
        ({**ASKED, "n": 100}, "`n`"),
        ({**ASKED, "top_logprobs": 100_000}, "`top_logprobs`"),
        ({**ASKED, "stop": ["x"] * 17}, "`stop`"),
        ({**ASKED, "tools": 5}, "`tools`"),
        ({**ASKED, "logit_bias": {"x": "y"}}, "`logit_bias"),
        ({**ASKED, "user": 5}, "`user`"),
        ({**ASKED, "grammar": "root ::= " + "(" * 1000}, "`grammar` is not taken"),
        ({**ASKED, "response_format": 5}, "`response_format`"),
        (bound({"enum": [str(n) for n in range(50_000)]}), "values in `enum`"),
        (bound({"type": "string", "pattern": "(" * 50 + ")" * 50}), "`pattern`"),
        (bound({"type": "string", "minLength": 10**9}), "`minLength`"),
        (bound(deep(40)), "nested deeper"),
        (bound({"anyOf": [{"const": n} for n in range(3000)]}), "parts"),
        (bound("x"), "must be an object"),
    ],
)
def test_what_is_wrong_is_named(body: dict[str, Any], words: str) -> None:
    """By key; never passed on."""
    with pytest.raises(RequestProblem) as caught:
        read_completion(body)
    assert caught.value.status == 400
    assert words in caught.value.message


def test_unknown_keys_stay_here_and_are_named() -> None:
    """`dry_penalty_last_n` = 10⁹ takes eight gigabytes of a worker; OpenAI's own harmless keys are passed over in silence."""
    completion, ignored = read_completion(
        {**ASKED, "dry_penalty_last_n": 10**9, "metadata": {"a": "b"}, "store": True, "seed": None}
    )

    assert ignored == ["dry_penalty_last_n"]
    assert to_worker(completion) == {"messages": [{"role": "user", "content": "hola"}]}


def test_text_parts_are_joined_and_newer_words_translated() -> None:
    """What OpenAI's clients send reaches the model as it reads it."""
    body = {
        "messages": [
            {"role": "developer", "content": "breve"},
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        ]
    }

    assert to_worker(read_completion(body)[0])["messages"] == [
        {"role": "system", "content": "breve"},
        {"role": "user", "content": "a\nb"},
    ]


wild = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from([*Completion.model_fields, "role", "content", "type", "text", "schema", "function"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from([*Completion.model_fields, "x"]), wild, max_size=6))
@settings(max_examples=300, deadline=None)
def test_any_body_is_read_or_refused(body: dict[str, Any]) -> None:
    """Whatever its values are: no error of another kind."""
    for one in (body, {**body, **ASKED}):
        with suppress(RequestProblem):
            to_worker(read_completion(one)[0])


def test_usual_schemas_are_within_bounds() -> None:
    """A hundred classes, ten levels, a date's pattern."""
    assert not schema_problem({"enum": [str(n) for n in range(150)]})
    assert not schema_problem(deep(10))
    assert not schema_problem({"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$", "maxLength": 200})
