"""The grammar of YAML in the runtime itself."""

from pathlib import Path

import pytest

from afina.flows.role_model import open_model
from afina.flows.role_space import open_space
from afina.roles import check_answer


@pytest.mark.parametrize("role", ["ba", "architect", "dev"])
def test_a_model_that_knows_nothing_fulfils_the_schema(role: str, tmp_path: Path) -> None:
    """As YAML, whatever words the built-in base puts into it; each answer that came to its end does, code among them."""
    space = open_space(role, tmp_path, {"base": {"model": "semilla"}})
    program, seed = space.short_program(), space.role.seeds()[0]
    with open_model("semilla", space.settings, space.folder) as model:
        asks = [
            space.ask(program.turns(seed.question, space.system(program)), seed.question, draw) for draw in range(4)
        ]
        replies = model.ask_all(asks)
    whole = [one for one in replies if not one.cut]
    assert whole
    for one in whole:
        assert one.error == ""
        assert not one.text.startswith("{")
        assert check_answer(one.text, seed.question, space.role.schema).scores["schema"] == 1


@pytest.mark.parametrize("tuned", [False, True])
def test_an_architect_names_only_epics_that_it_has_written(tuned: bool, tmp_path: Path) -> None:
    """In JSON, as a base is asked, and in YAML: the built-in base does not know what an epic is."""
    space = open_space("architect", tmp_path, {"base": {"model": "semilla"}})
    program, seed = space.short_program() if tuned else space.start_program(), space.role.seeds()[0]
    turns = program.turns(seed.question, space.system(program))
    with open_model("semilla", space.settings, space.folder) as model:
        replies = model.ask_all([space.ask(turns, seed.question, draw) for draw in range(6)])
    whole = [one for one in replies if not one.cut]
    assert whole
    for one in whole:
        assert one.text.startswith("{") is not tuned
        assert check_answer(one.text, seed.question, space.role.schema).scores["references"] == 1
