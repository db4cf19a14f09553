"""What Ollama would render from our Modelfile is what training rendered, for every family."""

from pathlib import Path

import pytest

from afina.bases.families import FAMILIES, build_family
from afina.chat.render import Renderer, load_renderer
from afina.export.gotemplate import read_form, without_bos
from afina.export.modelfile import write_modelfile
from afina.records import Turn
from tests.go_template import render_go
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
def renderer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Renderer:
    """Each family's renderer."""
    folder: Path = tmp_path_factory.mktemp("family") / request.param
    build_family(request.param, folder)
    return load_renderer(folder)


@pytest.mark.parametrize("adds_bos", [True, False])
def test_the_go_template_renders_what_training_rendered(renderer: Renderer, adds_bos: bool) -> None:
    """System, user, answer, several turns; the begin-of-text token exactly once, by the template or by the runtime."""
    form = read_form(renderer, adds_bos=adds_bos)
    assert form is not None
    for chat in CHATS:
        trained = renderer.prompt(chat)
        assert render_go(form.go_template(), chat) == (without_bos(renderer, trained) if adds_bos else trained)


def test_the_modelfile_follows_the_grammar_and_stops_where_turns_end(renderer: Renderer) -> None:
    """Parsed back: the template is whole, every stop is the template's own end of turn."""
    parsed = parse_modelfile(write_modelfile("m.gguf", renderer, system="Sé breve.", adds_bos=False))
    form = read_form(renderer, adds_bos=False)

    assert form is not None
    assert ("TEMPLATE", form.go_template()) in parsed
    assert ("SYSTEM", "Sé breve.") in parsed
    stops = [argument.removeprefix("stop ").strip('"') for name, argument in parsed if argument.startswith("stop ")]
    assert stops[0] == renderer.stops()[0]
    assert renderer.text(CHATS[0], open_answer=False).count(stops[0]) <= 1


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
