"""A stream tells what the whole answer tells."""

import json
from typing import Any

from afina.ids import ModelVersionId
from afina.serve.route import LiveVersion
from afina.serve.stream import StreamReader
from afina.serve.target import Target, Upstream

V1 = Target(
    name="v1",
    task="t",
    url="",
    version=LiveVersion(id=ModelVersionId("m"), name="v1", task="t", gguf="", rollout="", canary=False, share=0.0),
)
THERE = Target(name="there/m", task="t", url="", upstream=Upstream(name="there", url=""))


def event(*choices: dict[str, Any], **more: Any) -> str:
    """An event of a worker."""
    return "data: " + json.dumps({"model": "/home/somebody/secret.gguf", "choices": list(choices), **more})


def piece(text: str, index: int = 0, finish: str | None = None) -> dict[str, Any]:
    """A choice's piece."""
    return {"index": index, "delta": {"content": text}, "finish_reason": finish}


def test_the_versions_name_stands_in_every_event() -> None:
    """Not the path of the file on the server's disk."""
    reader = StreamReader(V1)
    lines = [
        reader.shown(line) for line in (event(piece("hola")), event(usage={"completion_tokens": 1}), "data: [DONE]")
    ]

    assert all("secret" not in line for line in lines)
    assert [json.loads(line[6:])["model"] for line in lines[:2]] == ["v1", "v1"]
    assert reader.usage == {"completion_tokens": 1}
    assert reader.finished


def test_choices_do_not_mix() -> None:
    """With n = 2 the pieces come interleaved; the first choice is recorded, thinking of one does not hide the other."""
    reader = StreamReader(V1)
    shown = [
        reader.shown(event(*one))
        for one in ([piece("<think>a", 0), piece("uno", 1)], [piece("b</think>dos", 0), piece(" más", 1, "stop")])
    ]

    assert reader.answer() == "dos"
    assert (
        "".join(c["delta"]["content"] for line in shown for c in json.loads(line[6:])["choices"] if c["index"] == 1)
        == "uno más"
    )
    assert json.loads(shown[1][6:])["choices"][1]["finish_reason"] == "stop"


def test_what_is_no_event_passes() -> None:
    """Comments, blank lines, broken JSON."""
    reader = StreamReader(V1)

    assert [reader.shown(line) for line in ("", ": ping", "data: {")] == ["", ": ping", "data: {"]


def test_an_upstreams_events_pass_as_they_are() -> None:
    """Its model's name and its thinking too; recorded is the answer without them. The counts that only this gateway asked for are not shown."""
    reader = StreamReader(THERE, hides_usage=True)
    first = event({"index": 0, "delta": {"content": "", "reasoning_content": "hm"}}, event_id=1)
    counts = event(usage={"prompt_tokens": 3, "completion_tokens": 2})

    assert reader.shown(first) == first
    assert reader.shown(event(piece("sí", 0, "stop"))) == event(piece("sí", 0, "stop"))
    assert reader.shown(counts) == ""
    assert reader.answer() == "sí"
    assert reader.complete
    assert not reader.finished
    assert reader.counted() == {"prompt_tokens": 3, "completion_tokens": 2}


def test_a_stream_that_is_cut_is_counted() -> None:
    """A worker tells with every piece what it has read and written; of an upstream the pieces are counted."""
    ours, theirs = StreamReader(V1), StreamReader(THERE)
    shown = ours.shown(event(piece("a"), timings={"prompt_n": 5, "cache_n": 2, "predicted_n": 1}))
    theirs.shown(event(piece("a")))
    theirs.shown(event(piece("b")))

    assert "timings" not in shown
    assert ours.counted() == {"prompt_tokens": 7, "completion_tokens": 1}
    assert theirs.counted() == {"completion_tokens": 2}
    assert not ours.complete


def test_calls_of_tools_are_put_together() -> None:
    """Name and arguments come in pieces."""
    reader = StreamReader(THERE)
    for call in (
        {"index": 0, "id": "c1", "function": {"name": "precio", "arguments": '{"s'}},
        {"index": 0, "function": {"arguments": 'ku": 7}'}},
    ):
        reader.shown(event({"index": 0, "delta": {"tool_calls": [call]}}))

    assert json.loads(reader.answer())[0]["function"] == {"name": "precio", "arguments": '{"sku": 7}'}
