"""The list of steps, and a user's own among them."""

from pathlib import Path

import pytest

from afina.curate import curate, make_plan
from afina.errors import CurateError, SettingsError
from afina.records import Curated
from tests.tasks import classifier, reviewed

ROWS = [reviewed(str(n), f"mensaje {'abcdefghijklmnopqrstuvwxyz'[n % 26] * 9} {n}", x="ab"[n % 2]) for n in range(40)]


def curated(folder: Path, code: str, **more: object) -> Curated:
    """With a step of the user's own behind the rules."""
    file = folder / "mine.py"
    file.write_text(code, "utf-8")
    task = classifier("x", curate={"steps": ["collect", "rules", f"{file}:step", "exact_duplicates"], **more})
    return curate(ROWS, make_plan(task))


def test_a_step_of_ones_own_rejects_with_its_reason(tmp_path: Path) -> None:
    """Two lines are enough."""
    found = curated(tmp_path, "def step(example):\n    return 'odd' if example.message.endswith('1') else ''\n")

    assert {one.reason for one in found.rejections} == {"odd"}
    assert next(one for one in found.steps if one.rejected).name.endswith("mine.py:step")
    assert len(found.rejections) == 4


def test_a_step_of_ones_own_may_change_the_row(tmp_path: Path) -> None:
    """The steps behind it see the change."""
    code = 'from dataclasses import replace\ndef step(example):\n    return replace(example, answer=\'{"x": "z"}\')\n'

    assert {one.answer for one in curated(tmp_path, code).examples} == {'{"x": "z"}'}


def test_a_step_that_raises_rejects_its_row_and_names_file_and_line(tmp_path: Path) -> None:
    """The others go on."""
    code = "def step(example):\n    if example.message.endswith(' 7'):\n        raise ValueError('seven')\n"

    found = curated(tmp_path, code)

    assert len(found.examples) == 39
    assert "mine.py, line 3: ValueError: seven" in found.rejections[0].reason


def test_a_step_that_fails_too_often_ends_the_run(tmp_path: Path) -> None:
    """Forty failures of forty are no curation."""
    with pytest.raises(CurateError, match=r"failed on 40 of 40 rows, with .*mine.py, line 2: KeyError"):
        curated(tmp_path, "def step(example):\n    return {}['x']\n")


WRONG = [
    (["collect", "rulez"], "no step 'rulez'"),
    (["collect", "rules", "rules"], "is there twice"),
    (["collect", "caps", "rules"], "judges single rows and stands behind"),
    (["rules"], "'collect' is missing"),
    (["rules", "collect"], "makes the rows"),
    (["collect", "nothere.py:step"], "nothere.py: no such file"),
    (["collect", "json:nothere"], "has no attribute"),
]


@pytest.mark.parametrize(("steps", "why"), WRONG)
def test_a_list_that_makes_no_sense_is_refused(steps: list[str], why: str) -> None:
    """Before a single row is read."""
    with pytest.raises(SettingsError, match=why):
        make_plan(classifier("x", curate={"steps": steps}))


def test_counts_add_up() -> None:
    """What a step lets through is what the next one gets."""
    found = curate([*ROWS, *ROWS], make_plan(classifier("x")))

    for one, following in zip(found.steps, found.steps[1:], strict=False):
        assert one.rows - one.rejected == following.rows
    assert found.steps[0].rows == 80 == len(found.examples) + len(found.rejections)
