"""A model that is asked many times, and what it answered is kept."""

from pathlib import Path
from typing import Any, cast

import pytest

from afina.errors import InputError, RuntimeFailedError
from afina.flows.role_model import MOST_FAILED, Ask, Reply, RoleModel, open_model, read_kept
from afina.records import Turn
from afina.runtime import Completion, Drawn, RuntimeClient
from afina.runtime.client import RefusedError
from afina.settings import Settings


class Client:
    """Answers with what it was asked; every `fails` says no."""

    def __init__(self, *, fails: bool = False) -> None:
        self.fails, self.asked = fails, list[dict[str, Any]]()

    def chat(self, turns: Any, **more: Any) -> Completion:
        """An answer."""
        self.asked.append({"turns": turns, **more})
        if self.fails:
            raise RuntimeFailedError("the model did not answer (ReadTimeout)")
        return Completion(text=f"to {turns[-1].content}", tokens_in=1, tokens_out=2, milliseconds=500)


def model(client: Client, kept: Path | None = None) -> RoleModel:
    """A model on it."""
    return RoleModel(client=cast("RuntimeClient", client), name="m", kept=kept, known=read_kept(kept), connections=3)


def ask(text: str, *, seed: int | None = None) -> Ask:
    """A question."""
    drawn = None if seed is None else Drawn(0.7, seed)
    return Ask(turns=(Turn("user", text),), max_tokens=9, schema={"type": "object"}, drawn=drawn)


def test_what_was_answered_is_not_asked_again(tmp_path: Path) -> None:
    """In this process, and in the next one; another seed is another question."""
    kept, client = tmp_path / "answers.jsonl", Client()
    first = model(client, kept)
    assert [one.text for one in first.ask_all([ask("a"), ask("b"), ask("a", seed=1), ask("a", seed=2)])] == [
        "to a",
        "to b",
        "to a",
        "to a",
    ]
    again = model(client, kept)
    assert again.ask(ask("a", seed=1)).text == "to a"
    assert (first.asked, again.asked, again.reused, len(client.asked)) == (4, 0, 1, 4)


def test_what_is_asked_twice_at_once_is_asked_once(tmp_path: Path) -> None:
    """Both get the answer; the batches of a prompt search hold a question more than once. The file has it once."""
    kept, client = tmp_path / "answers.jsonl", Client()
    replies = model(client, kept).ask_all([ask("a"), ask("a"), ask("b"), ask("a")])
    assert [one.text for one in replies] == ["to a", "to a", "to b", "to a"]
    assert len(client.asked) == len(kept.read_text("utf-8").splitlines()) == 2


def test_a_model_that_is_not_there_is_no_bad_answer() -> None:
    """A wrong name or a missing key ends it with what helps; a question that is refused is one that has no answer."""

    class Refuses(Client):
        status = 404

        def chat(self, turns: Any, **more: Any) -> Completion:
            del turns, more
            raise RefusedError("the model refused v1/chat/completions", status=self.status)

    with pytest.raises(RefusedError) as caught:
        model(Refuses()).ask(ask("a"))
    assert "AFINA_KEY_ROLE" in caught.value.remedy
    client = Refuses()
    client.status = 400
    assert model(client).ask(ask("a")).error == "the model refused v1/chat/completions"


def test_a_line_that_a_kill_tore_is_none(tmp_path: Path) -> None:
    """The answers before it are kept."""
    kept = tmp_path / "answers.jsonl"
    model(Client(), kept).ask(ask("a"))
    with kept.open("a") as file:
        file.write('{"key": "x", "te')
    assert len(read_kept(kept)) == 1


def test_a_failure_is_a_reply_with_its_reason_and_is_not_kept(tmp_path: Path) -> None:
    """It is asked again next time."""
    kept = tmp_path / "answers.jsonl"
    reply = model(Client(fails=True), kept).ask(ask("a"))
    assert (reply.text, "ReadTimeout" in reply.error) == ("", True)
    assert not kept.exists()


def test_a_model_that_never_answers_is_taken_to_be_gone() -> None:
    """After a dozen in a row; one answer between them begins the count anew."""
    client = Client(fails=True)
    gone = model(client)
    with pytest.raises(RuntimeFailedError):
        gone.ask_all([ask(str(at)) for at in range(MOST_FAILED + 2)])
    mixed = model(client)
    for at in range(2 * MOST_FAILED):
        client.fails = at % 3 > 0
        mixed.ask(ask(f"again {at}"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """Before a worker is started."""
    with (
        pytest.raises(InputError, match=r"nobody\.gguf: no such file"),
        open_model("nobody.gguf", Settings(), tmp_path),
    ):
        pass


def test_answers_that_an_address_gave_before_are_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Another model may listen there now."""
    address = "http://127.0.0.1:9/v1#m"
    with open_model(address, Settings(), tmp_path, kept="answers.jsonl") as first:
        first.keep(ask("1").key(first.name), Reply(text="x"))
    with open_model(address, Settings(), tmp_path, kept="answers.jsonl") as second:
        assert second.ask(ask("1")).text == "x"
    assert f"1 answers of {address} were kept from before" in caplog.text


def test_a_tag_that_is_made_anew_is_another_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the earlier one answered is not taken for its answers."""
    names = []
    for digest in ("aaaa", "bbbb", ""):
        monkeypatch.setattr(RuntimeClient, "digest", lambda _self, told=digest: told)
        with open_model("ollama:m", Settings(), tmp_path) as one:
            names.append(one.name)
    source = "http://127.0.0.1:11434/v1#m"
    assert names == [f"{source} aaaa", f"{source} bbbb", source]
