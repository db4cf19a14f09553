"""What Ollama would render from our Modelfile is what training rendered, for every family."""

from pathlib import Path

import pytest
from jinja2 import TemplateError as JinjaError
from transformers import AutoTokenizer

from afina.bases.families import FAMILIES, build_family
from afina.chat.go_template import render_ollama
from afina.chat.render import Renderer, load_renderer
from afina.errors import TemplateError
from afina.export.gotemplate import read_form, without_bos
from afina.export.modelfile import Source, write_modelfile
from afina.records import Turn
from tests.integration.conftest import FamilyFolder
from tests.modelfile import parse_modelfile

CHATS = (
    (Turn("user", "¿Cuánto sale?"),),
    (Turn("system", "Sé breve."), Turn("user", 'comillas " y {{ llaves }}')),
    (Turn("user", "uno"), Turn("assistant", "dos"), Turn("user", "tres")),
    (
        *(Turn("system", "a\nb"), Turn("user", "1"), Turn("assistant", "2"), Turn("user", "3"), Turn("assistant", "4")),
        Turn("user", "5"),
    ),
)


@pytest.fixture(scope="module", params=list(FAMILIES))
def renderer(request: pytest.FixtureRequest, family_folder: FamilyFolder) -> Renderer:
    """Each family's renderer."""
    return load_renderer(family_folder(request.param))


def has_own_system(renderer: Renderer) -> bool:
    """Qwen2 writes a system text of its own where a chat brings none: no Go form says that, so none is written."""
    return "You are a helpful assistant" in renderer.prompt(CHATS[0])


@pytest.mark.parametrize("adds_bos", [True, False])
def test_the_go_template_renders_what_training_rendered(renderer: Renderer, adds_bos: bool) -> None:
    """System, user, answer, several turns; the begin-of-text token exactly once, by the template or by the runtime."""
    form = read_form(renderer, adds_bos=adds_bos)
    if has_own_system(renderer):
        assert form is None
        return
    assert form is not None
    for chat in CHATS:
        trained = renderer.prompt(chat)
        assert render_ollama(form.go_template(), chat) == (without_bos(renderer, trained) if adds_bos else trained)


def test_the_modelfile_follows_the_grammar_and_stops_where_turns_end(renderer: Renderer) -> None:
    """Parsed back: the template is whole, every stop is the template's own end of turn."""
    parsed = parse_modelfile(write_modelfile(Source("./m.gguf"), renderer, system="Sé breve.", adds_bos=False))
    form = read_form(renderer, adds_bos=False)

    assert form is not None or has_own_system(renderer)
    assert form is None or ("TEMPLATE", form.go_template()) in parsed
    assert ("SYSTEM", "Sé breve.") in parsed
    stops = [argument.removeprefix("stop ").strip('"') for name, argument in parsed if argument.startswith("stop ")]
    assert stops[0] == renderer.stops()[0]
    assert renderer.text(CHATS[0], open_answer=False).count(stops[0]) <= 1 + has_own_system(renderer)


def test_an_answer_ends_with_the_templates_own_token(renderer: Renderer) -> None:
    """Supervised up to and with it, nothing behind it."""
    rendered = renderer.training([Turn("user", "hola"), Turn("assistant", "buenas")])

    assert rendered.supervised[-1]
    assert renderer.tokenizer.decode([rendered.ids[-1]]).strip() == renderer.stops()[0]


@pytest.mark.parametrize(
    "text", ["TEMPLATE x\n", "FROM a\nFROM b\n", "FROM a\nPARAMETER heat 3\n", 'FROM a\nSYSTEM "x\n']
)
def test_the_parser_refuses_what_ollama_would(text: str) -> None:
    """A check that cannot fail is none."""
    with pytest.raises(ValueError, match=r"FROM|parameter|quote"):
        parse_modelfile(text)


def test_a_system_text_is_learnt_and_served_in_every_family(renderer: Renderer) -> None:
    """Gemma 2 refuses the role, Mistral drops it once an answer follows: there it opens the first user turn."""
    chat = [Turn("system", "Sé breve."), *CHATS[2], Turn("assistant", "cuatro")]

    learnt = renderer.tokenizer.decode(renderer.training(chat).ids)

    assert learnt.count("Sé breve.") == 1
    assert learnt.index("Sé breve.") < learnt.index("uno")
    assert "Sé breve." in renderer.prompt(chat[:2])


def test_what_a_template_refuses_is_said_in_words(renderer: Renderer) -> None:
    """Two user turns in a row, a greeting first: learnt, or refused with the template's reason."""
    for chat in (
        (Turn("user", "a"), Turn("user", "b"), Turn("assistant", "c")),
        (Turn("assistant", "hola"), Turn("user", "b"), Turn("assistant", "c")),
    ):
        problem, answer = "", ""
        try:
            rendered = renderer.training(chat)
            counted = [i for i, counts in zip(rendered.ids, rendered.supervised, strict=True) if counts]
            answer = renderer.tokenizer.decode(counted)
        except TemplateError as exc:
            problem = f"{exc} {exc.remedy}"

        assert ("refuses this conversation" in problem and "leave it out" in problem) or "c" in answer
        assert "hola" not in answer


def test_the_templates_refuse_what_the_published_ones_refuse(tmp_path: Path) -> None:
    """A softened family tests nothing."""
    build_family("gemma2", tmp_path / "gemma2")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "gemma2")

    with pytest.raises(JinjaError, match="System role not supported"):
        tokenizer.apply_chat_template([{"role": "system", "content": "a"}, {"role": "user", "content": "b"}])
    with pytest.raises(JinjaError, match="must alternate"):
        tokenizer.apply_chat_template([{"role": "user", "content": "a"}, {"role": "user", "content": "b"}])
