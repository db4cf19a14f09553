"""Role folders."""

import json
from pathlib import Path
from shutil import copytree

import pytest

from afina.errors import InputError, SettingsError
from afina.roles import find_role, known_roles
from afina.roles.role import CHAIN, packaged_folder
from afina.settings import make_settings


@pytest.mark.parametrize("name", CHAIN)
def test_every_packaged_role_is_whole(name: str, tmp_path: Path) -> None:
    """Its recipe resolves, and each authored example fulfils its own schema, references and lengths included."""
    role = find_role(name, project=tmp_path)
    assert make_settings({"recipe": str(role.folder / "recipe.toml")}).task.kind == "structured"
    seeds = role.seeds()
    assert len(seeds) == (25 if name == "ba" else 16)
    assert {seed.language for seed in seeds} == {"en", "es"}


def test_the_analyst_has_seven_domains_on_both_sides(tmp_path: Path) -> None:
    """Those that a search may see, and those that are held out."""
    seeds = find_role("ba", project=tmp_path).seeds()
    assert len({seed.domain for seed in seeds[:10]}) == len({seed.domain for seed in seeds[10:]}) == 7


def test_a_role_of_ones_own_is_a_folder(tmp_path: Path) -> None:
    """It is listed behind the packaged ones; one of a packaged role's name stands in for it."""
    copytree(packaged_folder() / "ba", tmp_path / "roles" / "legal")
    copytree(packaged_folder() / "qa", tmp_path / "roles" / "qa")
    assert known_roles(tmp_path) == [*CHAIN, "legal"]
    assert find_role("legal", project=tmp_path).folder == tmp_path / "roles" / "legal"
    assert find_role("qa", project=tmp_path).folder == tmp_path / "roles" / "qa"


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("role.toml", "about = 3", "role.toml: `about`"),
        ("role.toml", "about = ", "role.toml: "),
        ("role.toml", 'about = "x"\nwrites = "../x.yaml"\nartifact = "x"', "role.toml: `writes`"),
        ("recipe.toml", '[task]\nprompt = "x"', "recipe.toml: [task] lacks instructions, answer_schema"),
        ("schema.json", "[]", "schema.json: no JSON object"),
        ("schema.json", "{", "schema.json: "),
    ],
)
def test_a_malformed_folder_is_named(file: str, content: str, said: str, tmp_path: Path) -> None:
    """File and key."""
    copytree(packaged_folder() / "ba", tmp_path / "roles" / "own")
    (tmp_path / "roles" / "own" / file).write_text(content)
    with pytest.raises(SettingsError) as error:
        find_role("own", project=tmp_path)
    assert said in str(error.value)


def test_an_unknown_role_names_those_there_are(tmp_path: Path) -> None:
    """And how one is made."""
    with pytest.raises(SettingsError, match="no role 'cto'") as error:
        find_role("cto", project=tmp_path)
    assert "ba, po, architect, dev, qa" in error.value.remedy


def test_an_example_that_is_wrong_is_refused_with_its_line(tmp_path: Path) -> None:
    """An example shows what is right in every way: here an id is given twice, there one is repeated."""
    role = find_role("ba", project=tmp_path)
    rows = [json.loads(line) for line in (role.folder / "seeds.jsonl").read_text("utf-8").splitlines()]
    rows[1]["answer"]["functional_requirements"][1]["id"] = "FR001"
    path = tmp_path / "seeds.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(InputError, match="line 2: the id FR001 is given 2 times"):
        role.seeds(path)
    rows[1] = rows[0]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(InputError, match="line 2: the id 'ba-01' is there twice"):
        role.seeds(path)
