"""`afina canary replay`: any file of events."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from afina.errors import InputError
from afina.flows.canary_file import replay_file
from afina.settings import ReleaseSettings

RULES = ReleaseSettings(guardrails={"errors": 0.05, "feedback": 0.1}, signals={})


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    """As JSONL."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def users(n: int, *, bad: float = 0.2, share: float | None = 0.5) -> list[dict[str, Any]]:
    """Each asks once; the canary's are dissatisfied so often, production's in a fifth."""
    draws = random.Random(0)
    rows = []
    for number in range(n):
        met = draws.random() < (share or 0.5)
        liked = draws.random() >= (bad if met else 0.2)
        row: dict[str, Any] = {
            "user": f"u{number}",
            "arm": "canary" if met else "production",
            "ok": True,
            "liked": liked,
        }
        rows.append(row | ({"share": share} if share else {}))
    return rows


def test_a_harmful_one_is_rolled_back_at_its_line(tmp_path: Path) -> None:
    """The line that decided is named, and cutting the file there changes nothing."""
    rows = users(3000, bad=0.5)

    whole = replay_file(written(tmp_path / "e.jsonl", rows), RULES)
    assert whole.action == "roll_back"
    assert whole.line is not None
    cut = replay_file(written(tmp_path / "c.jsonl", rows[: whole.line]), RULES)
    assert (cut.action, cut.line) == ("roll_back", whole.line)
    assert replay_file(written(tmp_path / "d.jsonl", rows[: whole.line - 1]), RULES).action == "wait"


def test_a_good_one_is_promoted_and_few_say_nothing(tmp_path: Path) -> None:
    """Without a share in the file it is taken from the file, which is said."""
    found = replay_file(written(tmp_path / "e.jsonl", users(3000, bad=0.05, share=None)), RULES)

    assert found.action == "promote"
    assert found.guessed
    assert replay_file(written(tmp_path / "f.jsonl", users(40)), RULES).action == "wait"


def test_one_user_with_all_the_traffic_decides_nothing(tmp_path: Path) -> None:
    """A thousand complaints of one person."""
    loud = [{"user": "loud", "arm": "canary", "share": 0.5, "ok": False, "liked": False}] * 1000

    assert replay_file(written(tmp_path / "e.jsonl", [*loud, *users(50)]), RULES).action == "wait"


def test_what_is_odd_is_counted(tmp_path: Path) -> None:
    """A clock that goes backwards, and a draw that was not sticky."""
    rows = [
        {"user": 1, "arm": "b", "at": "2026-01-02", "share": 0.5, "ok": True},
        {"user": 1, "arm": "a", "at": "2026-01-01", "share": 0.5, "ok": True},
        {"user": 2, "arm": "control", "at": "2026-01-03", "share": 0.5, "ok": True},
    ]

    found = replay_file(written(tmp_path / "e.jsonl", rows), RULES)

    assert (found.moved_back, found.backwards) == (1, 1)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"arm": "canary"}, "line 2: `user` is needed"),
        ({"user": "", "arm": "canary"}, "line 2: `user` is needed"),
        ({"user": "u", "arm": "blue"}, "line 2: `arm` must be canary or production, not 'blue'"),
        ({"user": "u"}, "`arm` must be canary or production, not None"),
        ({"user": "u", "arm": "canary", "share": 1}, "`share` must be a number between 0 and 1, not 1"),
        ({"user": "u", "arm": "canary", "ok": "perhaps"}, "`ok`: must be true or false, not 'perhaps'"),
        ({"user": "u", "arm": "canary", "latency_ms": -3}, "`latency_ms`: must be a number from 0 on, not -3"),
        ({"user": "u", "arm": "canary", "latency_ms": 1e999}, "line 2"),
        ({"user": "u", "arm": "canary", "rating": 6}, "`rating`: must be 1 to 5, not 6"),
        ({"user": "u", "arm": "canary", "feedback": "meh"}, "`feedback`: must be one of accepted"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, row: dict[str, Any], said: str) -> None:
    """With its field and what was there."""
    path = written(tmp_path / "e.jsonl", [{"user": "v", "arm": "production", "ok": True}, row])

    with pytest.raises(InputError, match="line 2") as caught:
        replay_file(path, RULES)
    assert said in str(caught.value)


def test_a_table_is_read_and_names_stay_names(tmp_path: Path) -> None:
    """Cells stand for numbers and truths, empty ones for nothing; 1e3, 1000 and 01000 are three users."""
    path = tmp_path / "e.csv"
    path.write_text(
        "user,arm,share,ok,latency_ms,error\n1e3,canary,0.5,true,80,\n1000,production,0.5,1,90,0\n01000,canary,0.5,false,,timeout\n",
        "utf-8",
    )

    found = replay_file(path, RULES).found

    assert (found.canary_users, found.production_users) == (2, 1)
    errors = next(one for one in found.readings if one.measure == "errors")
    assert (errors.canary, errors.production) == (0.5, 0.0)


def test_one_side_alone_is_no_comparison(tmp_path: Path) -> None:
    """Said, not guessed."""
    with pytest.raises(InputError, match="nobody met the production"):
        replay_file(written(tmp_path / "e.jsonl", [{"user": "u", "arm": "canary", "ok": True}]), RULES)
