"""The grammar of YAML in the runtime itself."""

from pathlib import Path
from typing import Any

import pytest

from afina.flows.role_model import Ask, open_model
from afina.flows.role_space import open_space
from afina.records import Turn
from afina.roles import check_answer
from afina.roles.checks import read_answer
from afina.roles.numbering import numbered
from afina.runtime import Drawn
from afina.runtime.grammar import in_form


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


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_who_knows_nothing_names_only_what_it_has_written(form: str, tmp_path: Path) -> None:
    """Ids are counted, and those that are there may be named, whatever the built-in base takes an epic for."""
    epic = {"type": "string", "pattern": "^E[0-9]{3}$"}

    def entries(name: str, most: int) -> dict[str, Any]:
        inner = {"type": "object", "properties": {name: epic}, "required": [name]}
        return {"type": "array", "minItems": 1, "maxItems": most, "items": inner}

    fields = {"epics": entries("id", 4), "stories": entries("epic", 9)}
    schema = in_form(numbered({"type": "object", "properties": fields, "required": list(fields)}), form)
    space = open_space("architect", tmp_path, {"base": {"model": "semilla"}})
    with open_model("semilla", space.settings, space.folder) as model:
        asks = [
            Ask(turns=(Turn("user", "Epics?"),), max_tokens=400, schema=schema, drawn=Drawn(1.5, n)) for n in range(12)
        ]
        replies = model.ask_all(asks)
    for one in replies:
        found = read_answer(one.text)
        ids = [entry["id"] for entry in found["epics"]]
        assert ids == [f"E00{number}" for number in range(1, len(ids) + 1)]
        assert {entry["epic"] for entry in found["stories"]} <= set(ids)
