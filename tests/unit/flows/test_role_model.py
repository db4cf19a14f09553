"""A model that is asked many times, and what it answered is kept."""

import re
from pathlib import Path
from typing import Any, cast

import pytest
from jsonschema import Draft202012Validator

from afina.errors import InputError, RuntimeFailedError
from afina.flows.role_model import MOST_FAILED, Ask, RoleModel, binding, naming, open_model, read_kept
from afina.records import Turn
from afina.roles import find_role
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


def test_our_notes_are_not_told_to_the_runtime() -> None:
    """A grammar engine refuses keys that it does not know."""
    assert set(binding({"type": "object", "x-covers": "FR", "x-code": True})) == {"type", "x-guidance"}


def test_a_role_writes_prose_where_its_schema_leaves_it_open() -> None:
    """Also in lists of objects; a text with a pattern or a choice of its own stays; code is code; the schema itself is not changed."""
    text = {"type": "string", "maxLength": 99}
    own: dict[str, Any] = {
        "type": "object",
        "properties": {"id": {"type": "string", "pattern": "^A$"}, "level": {"enum": ["High"]}, "said": text},
    }
    schema: dict[str, Any] = {"type": "object", "properties": {"title": text, "list": {"type": "array", "items": own}}}
    found = binding(schema)["properties"]
    inner = found["list"]["items"]["properties"]
    assert found["title"] == inner["said"]
    assert (inner["id"], inner["level"]) == (own["properties"]["id"], own["properties"]["level"])
    assert "pattern" not in text
    assert binding({**schema, "x-code": True})["properties"] == schema["properties"]
    pattern = found["title"]["pattern"]
    for wrong in (
        "{{name}}",
        "<ref>",
        "[insert here]",
        "a\nb",
        "a|b",
        "Pay by card,",
        "a right (",
        "the clinic -",
        "said ",
    ):
        assert not re.match(pattern, wrong)
    assert re.match(pattern, 'El sistema "avisa" (SMS) en 2 s: 99,9 % & más')
    assert re.match(pattern, "Reports (monthly)")


@pytest.mark.parametrize(("least", "most"), [(None, None), (5, None), (None, 5), (5, 7), (1, 1)])
def test_a_text_that_is_bound_is_as_long_as_before(least: int | None, most: int | None) -> None:
    """Its length has gone into its pattern; an empty text is none."""
    own = {name: size for name, size in (("minLength", least), ("maxLength", most)) if size is not None}
    found = binding({"type": "object", "properties": {"said": {"type": "string", **own}}})["properties"]["said"]
    assert set(found) == {"type", "pattern"}
    for length in range(10):
        assert bool(re.match(found["pattern"], "a" * length)) == (max(1, least or 0) <= length <= (most or 10))


def test_a_text_of_sentences_ends_as_one() -> None:
    """Also in a list of texts, under the list's name; what else prose has none of holds too."""
    text = {"type": "string"}
    schema = {"type": "object", "properties": {"said": text, "asked": {"type": "array", "items": text}, "title": text}}
    found = binding(schema, ("said", "asked"))["properties"]
    for pattern in (found["said"]["pattern"], found["asked"]["items"]["pattern"]):
        assert not any(re.match(pattern, wrong) for wrong in ("It ends nowhere", "A {name}.", "One,"))
        assert re.match(pattern, "¿Quién paga?")
        assert re.match(pattern, "99,9 % (a month).")
    assert re.match(found["title"]["pattern"], "It ends nowhere")


def test_a_text_is_one_sentence_unless_it_may_be_long() -> None:
    """A full stop in a number ends none; what may be long has several; the authored examples are so."""
    short, long = {"type": "string", "minLength": 15, "maxLength": 200}, {"type": "string", "maxLength": 400}
    schema = {"type": "object", "properties": {"said": short, "title": short, "told": long}}
    found = binding(schema, ("said", "told"))["properties"]
    for wrong in (
        "It books visits. It moves them.",
        "Does it? It does.",
        "So much! More.",
        "Too short.",
        "It books visits.2 of them.",
    ):
        assert not re.match(found["said"]["pattern"], wrong)
        assert not re.match(found["title"]["pattern"], wrong)
    for right in ("99.9 % of all answers come within 1.5 s.", "Who pays for all of it?"):
        assert re.match(found["said"]["pattern"], right)
        assert re.match(found["title"]["pattern"], right)
    assert re.match(found["told"]["pattern"], "It books visits. " * 6 + "It moves them.")


@pytest.mark.parametrize("numbers", [0, 4])
def test_no_text_is_longer_than_its_schema_says(numbers: int) -> None:
    """Nor is one with some numbers in it."""
    schema = {"type": "object", "properties": {"said": {"type": "string", "minLength": 5, "maxLength": 200}}}
    pattern = binding(schema, ("said",))["properties"]["said"]["pattern"]
    longest = max(
        size for size in range(400) if re.match(pattern, "1.2" * numbers + "a" * (size - 3 * numbers - 2) + "..")
    )
    assert longest == 191 + 2 * numbers


@pytest.mark.parametrize("role", ["ba", "po", "architect", "dev", "qa"])
def test_what_people_wrote_could_be_written_under_the_binding(role: str) -> None:
    """Every authored example: a binding that they break is too narrow."""
    own = find_role(role, project=Path())
    bound = Draft202012Validator(binding(own.schema, own.form.generation.sentences))
    assert [(seed.id, error.message) for seed in own.seeds() for error in bound.iter_errors(seed.answer)] == []


def test_only_ids_that_were_told_may_be_named() -> None:
    """The answer's own ids are free; so are those of a kind that was not told."""
    text = {"type": "string", "pattern": "^N?FR[0-9]{3}$"}
    own: dict[str, Any] = {
        "type": "object",
        "properties": {
            "id": text,
            "covers": {"type": "array", "items": text},
            "epic": {"type": "string", "pattern": "^E[0-9]{3}$"},
        },
    }
    found = naming({"type": "array", "items": own}, ["FR001", "NFR001", "C001"])["items"]["properties"]
    assert found["covers"]["items"]["enum"] == ["FR001", "NFR001"]
    assert (found["id"], found["epic"]) == (text, own["properties"]["epic"])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """Before a worker is started."""
    with (
        pytest.raises(InputError, match=r"nobody\.gguf: no such file"),
        open_model("nobody.gguf", Settings(), tmp_path),
    ):
        pass


def test_a_tag_that_is_made_anew_is_another_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the earlier one answered is not taken for its answers."""
    names = []
    for digest in ("aaaa", "bbbb", ""):
        monkeypatch.setattr(RuntimeClient, "digest", lambda _self, told=digest: told)
        with open_model("ollama:m", Settings(), tmp_path) as one:
            names.append(one.name)
    source = "http://127.0.0.1:11434/v1#m"
    assert names == [f"{source} aaaa", f"{source} bbbb", source]
