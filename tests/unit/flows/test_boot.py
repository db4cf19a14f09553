"""What a bootstrap has done, and for which options."""

from pathlib import Path

from afina.flows.boot import Boot, BootstrapOptions, resume
from afina.progress import Silent, Stages
from tests.unit.flows.role_models import space

OPTIONS = BootstrapOptions()


def boot(folder: Path, options: BootstrapOptions = OPTIONS) -> Boot:
    """A bootstrap that says nothing."""
    return Boot(space=space(folder), options=options, stages=Stages(Silent()))


def test_other_options_begin_anew(tmp_path: Path) -> None:
    """What was done was done for something else; asked for the first again, it is found again."""
    first = boot(tmp_path)
    first.keep("budget", {"note": "x"})
    resume(second := boot(tmp_path, BootstrapOptions(generations=(12, 13))))
    assert second.done == {}
    second.keep("budget", {"note": "y"})
    resume(third := boot(tmp_path))
    assert third.done == {"budget": {"note": "x"}}


def test_a_step_that_is_done_is_not_done_again(tmp_path: Path) -> None:
    """Its result is what was kept, also by the next call; generations are those of the budget."""
    first = boot(tmp_path)
    assert first.step("budget", lambda _tell: {"generations": [80, 80], "note": "x"})["note"] == "x"
    resume(second := boot(tmp_path))
    assert second.step("budget", lambda _tell: {"note": "again"})["note"] == "x"
    assert (second.generations, second.fresh, first.fresh) == ((80, 80), False, True)
