"""`afina canary`, `afina release --promote`."""

import json
import random
from pathlib import Path

import pytest
from click.testing import CliRunner

from afina.cli.canary import canary_command, replay_command
from afina.cli.release import release_command
from afina.flows.project import Project
from afina.flows.rollouts import history
from afina.records import Rollout
from tests.integration.users import traffic


def events(path: Path, *, bad: float) -> Path:
    """A file of two thousand users."""
    draws = random.Random(3)
    rows = []
    for user in range(2000):
        met = draws.random() < 0.3
        liked = draws.random() > (bad if met else 0.2)
        rows.append({"user": user, "arm": "canary" if met else "production", "share": 0.3, "ok": True, "liked": liked})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def test_a_replay_for_people_and_for_scripts(tmp_path: Path) -> None:
    """The exit code is the decision; an error is none."""
    run, path = CliRunner().invoke, events(tmp_path / "e.jsonl", bad=0.5)

    shown = run(canary_command, ["replay", str(path)])
    assert shown.exit_code == 1
    assert "roll back at line" in shown.output
    assert "worse on feedback:" in shown.output
    value = json.loads(run(canary_command, ["replay", str(path), "--json"]).stdout)
    assert (value["action"], value["events"], value["alpha"]) == ("roll_back", 2000, 0.05)
    assert value["line"] == value["event"]
    few = run(canary_command, ["replay", str(events(tmp_path / "f.jsonl", bad=0.2)), "--guardrail", "feedback=0.001"])
    assert few.exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none.jsonl"], "no such file"),
        (["FILE", "--guardrail", "speed=2"], "guardrails.speed"),
        (["FILE", "--guardrail", "latency=0.5"], "is a factor, at least 1"),
        (["FILE", "--guardrail", "errors=5"], "below 1"),
        (["FILE", "--share", "1"], "0<x<1"),
        (["FILE", "--alpha", "0.7"], "alpha"),
        ([], "Missing argument"),
    ],
)
def test_what_cannot_be_replayed_is_no_verdict(tmp_path: Path, arguments: list[str], said: str) -> None:
    """65, with what is wrong."""
    path = events(tmp_path / "e.jsonl", bad=0.2)

    done = CliRunner().invoke(replay_command, [str(path) if one == "FILE" else one for one in arguments])

    assert done.exit_code == 65
    assert said in done.output


def test_how_a_canary_is_doing_and_a_promotion_by_hand(
    project: Project, canary: Rollout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reason is asked for, and kept."""
    traffic(project, canary, range(80))
    for place in ("canary", "release"):
        monkeypatch.setattr(f"afina.cli.{place}.open_project", lambda _: project)
    run = CliRunner().invoke

    shown = run(canary_command, ["show"]).output
    value = json.loads(run(canary_command, ["show", "--json"]).stdout)
    without = run(release_command, ["--promote"])
    done = run(release_command, ["--promote", "--reason", "the fair is tomorrow"])

    assert "v2: " in shown
    assert "nothing was seen of implicit" in shown
    assert value["users"]["canary"] + value["users"]["production"] == 80
    assert "--promote needs --reason" in without.output
    assert done.exit_code == 0, done.output
    assert history(project)[-1]["reason"] == "by hand: the fair is tomorrow"
