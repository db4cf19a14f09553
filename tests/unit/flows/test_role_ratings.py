"""What people say of a role's answers."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from afina.chat.blocks import as_blocks
from afina.errors import InputError
from afina.flows.role_model import Reply
from afina.flows.role_ratings import good_runs, rate, read_runs, record_run, satisfaction, training_rows
from afina.flows.role_run import Answered, work, worker_of
from afina.roles import find_role
from tests.unit.flows.role_models import space, told

SEEDS = find_role("ba", project=Path()).seeds()


def answered(folder: Path, number: int) -> Answered:
    """A run of the analyst."""
    _, model = told(lambda _ask: Reply(text=SEEDS[number].text))
    return work(worker_of(space(folder), "semilla"), model, [SEEDS[number].question])


def test_from_four_on_an_answer_becomes_an_example(tmp_path: Path) -> None:
    """The last rating of a run counts; a run that nobody rated is none."""
    own = worker_of(space(tmp_path), "semilla")
    runs = [record_run(own, answered(tmp_path, at)) for at in range(4)]
    rate(own.space, runs[0], 5)
    rate(own.space, runs[1], 3)
    rate(own.space, runs[2], 2)
    rate(own.space, runs[2], 4)
    assert [one.run for one in good_runs(own.space)] == [runs[0], runs[2]]
    assert satisfaction(own.space) == {"runs": 4, "rated": 3, "mean": 4.0, "good": 2}
    first = {"id": runs[0], "text": SEEDS[0].question}
    assert training_rows(good_runs(own.space), "json")[0] == {**first, "expected": SEEDS[0].text}
    assert training_rows(good_runs(own.space), "yaml")[0] == {**first, "expected": as_blocks(SEEDS[0].answer)}
    assert [one.rating for one in read_runs(own.space)] == [5, 3, 4, None]


def test_a_role_says_from_which_rating_on_a_run_is_good(tmp_path: Path) -> None:
    """`good_rating` in its role.toml."""
    own = worker_of(space(tmp_path), "semilla")
    runs = [record_run(own, answered(tmp_path, at)) for at in range(2)]
    rate(own.space, runs[0], 4)
    rate(own.space, runs[1], 5)
    form = own.space.role.form.model_copy(update={"good_rating": 5})
    strict = replace(own.space, role=replace(own.space.role, form=form))
    assert [one.run for one in good_runs(strict)] == [runs[1]]


def test_the_last_run_needs_no_name(tmp_path: Path) -> None:
    """It is the one that people have just read."""
    own = worker_of(space(tmp_path), "semilla")
    record_run(own, answered(tmp_path, 0))
    last = record_run(own, answered(tmp_path, 1))
    assert rate(own.space, "last", 5) == last


@pytest.mark.parametrize(
    ("run", "rating", "said"),
    [("run_x", 5, "no run 'run_x'"), ("last", 5, "no run 'last'"), ("last", 6, "1 to 5, not 6")],
)
def test_what_cannot_be_rated_is_said(run: str, rating: int, said: str, tmp_path: Path) -> None:
    """No such run, or no such rating."""
    with pytest.raises(InputError, match=said):
        rate(space(tmp_path), run, rating)


def test_ratings_at_once_are_all_kept(tmp_path: Path) -> None:
    """Also behind a last line whose end somebody removed."""
    own = worker_of(space(tmp_path), "semilla")
    runs = [record_run(own, answered(tmp_path, at)) for at in range(6)]
    path = own.space.folder / "runs.jsonl"
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda run: rate(own.space, run, 5), runs))
    runs.append(record_run(own, answered(tmp_path, 6)))
    assert [(one.run.run, one.rating) for one in read_runs(own.space)] == [
        *((run, 5) for run in runs[:6]),
        (runs[6], None),
    ]


def test_a_torn_file_names_its_line(tmp_path: Path) -> None:
    """Somebody edited it."""
    own = space(tmp_path)
    own.folder.mkdir(parents=True)
    (own.folder / "runs.jsonl").write_text('{"run": "a", "question": "q", "answer": "{}"}\n{"run": \n')
    with pytest.raises(InputError, match="line 2"):
        read_runs(own)
