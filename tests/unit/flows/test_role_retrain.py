"""Tuning a role again; the whole way is in tests/integration/flows/test_bootstrap.py."""

from pathlib import Path
from shutil import copytree

import pytest

from afina.errors import InputError, NotEnoughDataError
from afina.flows.boot import Boot, BootstrapOptions
from afina.flows.role_compare import Contender
from afina.flows.role_retrain import redeployed, require_answer, retrain
from afina.progress import Silent, Stages
from afina.roles.role import packaged_folder
from tests.unit.flows.role_models import space


def boot(folder: Path) -> Boot:
    """Nobody has run the role."""
    return Boot(space=space(folder), options=BootstrapOptions(), stages=Stages(Silent()))


def test_without_ratings_nothing_is_trained(tmp_path: Path) -> None:
    """How many are missing, and how they are given."""
    own = boot(tmp_path)
    with pytest.raises(NotEnoughDataError, match="0 runs of ba are rated 4 or more, at least 10 are needed") as error:
        retrain(own)
    assert "afina roles rate ba RUN 5" in error.value.remedy
    assert not (tmp_path / ".afina" / "roles" / "ba" / "bootstrap").exists()


def test_what_could_not_be_judged_is_not_trained(tmp_path: Path) -> None:
    """Of a project's own twelve authored examples eight are held out."""
    folder = copytree(packaged_folder() / "ba", tmp_path / "roles" / "ba")
    lines = (folder / "seeds.jsonl").read_text("utf-8").splitlines(keepends=True)
    (folder / "seeds.jsonl").write_text("".join(lines[:12]), "utf-8")
    own = Boot(space=space(tmp_path, "ba"), options=BootstrapOptions(), stages=Stages(Silent()))
    with pytest.raises(NotEnoughDataError, match="8 authored examples of ba are held out, a verdict needs 10"):
        retrain(own)


def test_a_malformed_program_is_said_first(tmp_path: Path) -> None:
    """Before anything is trained."""
    own = boot(tmp_path)
    own.space.program.parent.mkdir(parents=True)
    own.space.program.write_text("{")
    with pytest.raises(InputError, match=r"program\.json"):
        retrain(own)


def test_over_the_live_version_five_per_cent_are_asked_for(tmp_path: Path) -> None:
    """Over the base ten: document 001's."""
    own = boot(tmp_path)
    assert own.space.settings.evaluate.minimum_effect == 0.1
    assert redeployed(own).settings.evaluate.minimum_effect == 0.05


def test_what_cannot_be_compared_is_not_trained(tmp_path: Path) -> None:
    """Nobody is at the address that answers now: that is said before hours are spent."""
    own = space(tmp_path)
    now = Contender(name="now", source="http://127.0.0.1:9/v1#x", program=own.start_program(), key_of="role")
    with pytest.raises(InputError, match=r"http://127\.0\.0\.1:9/v1#x answers for ba now, and gave no answer"):
        require_answer(own, now, own.role.seeds()[0])
