"""A request as it is recorded."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afina.ids import ClientId
from afina.records import Fault, Turn
from afina.serve.caller import Caller
from afina.serve.exchange import Exchange, Question, question_of, text_of
from afina.serve.target import Target, Upstream

TARGET = Target(
    name="there/m", task="chat", url="", upstream=Upstream(name="there", url="", price_in=1.0, price_out=10.0)
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda one: st.lists(one) | st.dictionaries(st.text(), one)
)


@given(st.dictionaries(st.sampled_from(["messages", "temperature", "tools", "user", "stream"]), JSON))
def test_whatever_a_body_is_it_can_be_recorded(body: dict[str, object]) -> None:
    """Of a malformed one as much as can be read."""
    exchange = Exchange(caller=Caller(client=ClientId("c")), question=question_of(body), target=TARGET)
    found = exchange.missing("no", Fault.REQUEST)

    json.dumps(found.parameters).encode()
    assert "\x00" not in found.text + json.dumps(found.parameters)


def test_the_last_user_message_is_the_text_and_all_before_it_the_context() -> None:
    """Developer is system; a tool's result is no turn of a conversation, but the messages with it are kept whole."""
    messages = [
        {"role": "developer", "content": "d"},
        {"role": "user", "content": "u1"},
        {"role": "assistant", "content": "", "tool_calls": [{"id": "1"}]},
        {"role": "tool", "content": "7", "tool_call_id": "1"},
        {"role": "user", "content": [{"type": "text", "text": "u2"}]},
    ]
    found = question_of({"messages": messages, "temperature": 0, "user": "x", "metadata": {}})

    assert found.text == "u2"
    assert found.context == (Turn("system", "d"), Turn("user", "u1"))
    assert found.parameters == {"temperature": 0, "messages": messages}
    assert question_of({"messages": messages[:2]}).parameters == {}


def test_costs_are_counted_and_wrong_counts_are_not() -> None:
    """A server may tell anything."""
    exchange = Exchange(caller=Caller(client=ClientId("c")), question=Question(text="q"), target=TARGET)

    assert exchange.interaction(answer="a", usage={"prompt_tokens": 100, "completion_tokens": 10}).cost == 2e-4
    odd = exchange.interaction(answer="a", usage={"prompt_tokens": -1, "completion_tokens": 2**40})
    assert (odd.tokens_in, odd.tokens_out, odd.cost) == (None, None, 0.0)


def test_the_next_target_gets_an_exchange_of_its_own() -> None:
    """With the same beginning and request: what the caller waited for is the sum."""
    first = Exchange(caller=Caller(client=ClientId("c")), question=Question(text="q"), target=TARGET)
    second = first.to(TARGET)

    assert second.id != first.id
    assert (second.began, second.caller.request_id) == (first.began, first.caller.request_id)


def test_headers_are_headers() -> None:
    """A model's name may come from the caller."""
    target = Target(name="there/ñ\r\nx-evil: 1", task="", url="", upstream=TARGET.upstream)
    headers = Exchange(caller=Caller(client=ClientId("c")), question=Question(text=""), target=target).headers()

    assert headers["x-afina-model"] == "there/???x-evil: 1"


def test_parts_of_a_message_are_its_text() -> None:
    """Of other kinds what they are."""
    assert text_of([{"type": "text", "text": "a"}, {"type": "image_url"}, 5]) == "a\n[image_url]"


@pytest.mark.parametrize("usage", [[1], "x", {"prompt_tokens": [1]}, None])
def test_counts_that_are_none(usage: Any) -> None:
    """A server may tell anything."""
    exchange = Exchange(caller=Caller(client=ClientId("c")), question=Question(text="q"), target=TARGET)

    assert exchange.interaction(answer="a", usage=usage).tokens_in is None
