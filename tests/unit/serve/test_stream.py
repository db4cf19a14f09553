"""A stream tells what the whole answer tells."""

import json
from typing import Any

from afina.serve.stream import StreamReader


def event(*choices: dict[str, Any], **more: Any) -> str:
    """An event of a worker."""
    return "data: " + json.dumps({"model": "/home/somebody/secret.gguf", "choices": list(choices), **more})


def piece(text: str, index: int = 0, finish: str | None = None) -> dict[str, Any]:
    """A choice's piece."""
    return {"index": index, "delta": {"content": text}, "finish_reason": finish}


def test_the_versions_name_stands_in_every_event() -> None:
    """Not the path of the file on the server's disk."""
    reader = StreamReader("v1")
    lines = [
        reader.shown(line) for line in (event(piece("hola")), event(usage={"completion_tokens": 1}), "data: [DONE]")
    ]

    assert all("secret" not in line for line in lines)
    assert [json.loads(line[6:])["model"] for line in lines[:2]] == ["v1", "v1"]
    assert reader.usage == {"completion_tokens": 1}
    assert reader.finished


def test_choices_do_not_mix() -> None:
    """With n = 2 the pieces come interleaved; the first choice is recorded, thinking of one does not hide the other."""
    reader = StreamReader("v1")
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
    reader = StreamReader("v1")

    assert [reader.shown(line) for line in ("", ": ping", "data: {")] == ["", ": ping", "data: {"]
