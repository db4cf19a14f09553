"""A canary in the database: what is read of its traffic, and what is done."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from afina.errors import ReleaseError
from afina.flows.project import Project
from afina.flows.rollouts import history, look_at_canary, promote_by_hand, settle_canary, start_canary, withdraw
from afina.records import CanaryStatus, Rollout
from tests.integration.users import START, FakeClock, placed, traffic


def test_what_was_seen_is_what_was_recorded(project: Project, canary: Rollout, clock: FakeClock) -> None:
    """Users, errors, latencies and feedback, side by side."""
    traffic(project, canary, range(60), bad=lambda side: 0.5 if side else 0.0)

    view = look_at_canary(project, clock=clock)

    with project.session() as session:
        rows = session.execute("SELECT drawn, ok FROM app.interactions").fetchall()
    met = [row for row in rows if row["drawn"] == "canary"]
    assert (view.look.canary_users, view.look.production_users) == (len(met), 60 - len(met))
    errors = next(one for one in view.look.readings if one.measure == "errors")
    assert errors.canary == pytest.approx(sum(not row["ok"] for row in met) / len(met))
    assert {one.measure for one in view.look.readings} == {"errors", "latency", "feedback"}
    assert view.look.silent == ("implicit",)


def test_a_harmful_canary_is_rolled_back_with_its_evidence(project: Project, canary: Rollout, clock: FakeClock) -> None:
    """By itself, in one sentence, in the audit record; production is what it was."""
    traffic(project, canary, range(300), bad=lambda side: 0.6 if side else 0.0)

    view = settle_canary(project, actor="loop", clock=clock)

    assert view.decision.action == "roll_back"
    last = history(project)[-1]
    assert (last["name"], last["from_state"], last["to_state"], last["actor"]) == (
        "v2",
        "canary",
        "rolled_back",
        "loop",
    )
    assert last["reason"].startswith("worse on errors: ")
    assert last["evidence"]["readings"][0]["canary_users"] > 0
    production = project.ledger.in_production()
    assert production is not None
    assert production.model_version == "mod_v1"
    with pytest.raises(ReleaseError, match="no canary"):
        settle_canary(project, actor="loop", clock=clock)


def test_a_better_one_is_promoted(project: Project, canary: Rollout, clock: FakeClock) -> None:
    """Fewer corrections, no errors: proven on all that was measured."""
    traffic(project, canary, range(2500), wrong=lambda side: 0.05 if side else 0.3)

    view = settle_canary(project, actor="loop", clock=clock)

    assert view.decision.action == "promote", view.decision.because
    production = project.ledger.in_production()
    assert production is not None
    assert production.model_version == "mod_v2"


def test_the_ramp_stops_where_nobody_comes(project: Project, canary: Rollout, clock: FakeClock) -> None:
    """Said once, in the record; when somebody comes again it runs on."""
    clock.now = START + timedelta(days=2)
    for _ in range(2):
        assert settle_canary(project, actor="loop", clock=clock).decision.status is CanaryStatus.STUCK
    told = [row for row in history(project) if row["reason"].startswith("stuck: ")]
    assert len(told) == 1
    clock.now = START + timedelta(minutes=10)
    traffic(project, canary, range(30))

    assert settle_canary(project, actor="loop", clock=clock).decision.status is CanaryStatus.RUNNING


def test_two_who_settle_at_once_do_it_once(project: Project, canary: Rollout, clock: FakeClock) -> None:
    """One promotion, one supersession, one version in production."""
    traffic(project, canary, range(2500), wrong=lambda side: 0.05 if side else 0.3)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: try_settle(project, clock), range(4)))

    moves = [(row["name"], row["to_state"]) for row in history(project)]
    assert moves.count(("v2", "production")) == 1
    with project.session() as session:
        live = session.execute("SELECT state FROM ml.rollouts WHERE state = 'production'").fetchall()
    assert len(live) == 1


def try_settle(project: Project, clock: FakeClock) -> None:
    """Another process may have been faster."""
    with contextlib.suppress(ReleaseError):
        settle_canary(project, actor="loop", clock=clock)


def test_a_person_overrules_and_is_named(project: Project, canary: Rollout) -> None:
    """Promotion and the way back, each with who and why."""
    promote_by_hand(project, actor="ana", reason="the fair is tomorrow")
    withdraw(project, actor="ana", reason="it was a bad idea", production=True)

    told = [(row["actor"], row["reason"]) for row in history(project) if row["actor"] == "ana"]
    assert ("ana", "by hand: the fair is tomorrow") in told
    assert ("ana", "it was a bad idea") in told
    production = project.ledger.in_production()
    assert production is not None
    assert production.model_version == "mod_v1"


def test_what_cannot_be_a_canary(project: Project, canary: Rollout) -> None:
    """The version in production, one whose file is gone, one without a rival."""
    withdraw(project, actor="t", reason="r")
    with pytest.raises(ReleaseError, match="in production already"):
        start_canary(project, project.ledger.version("v1"), actor="t", force=True)
    (project.paths.data / "v2.gguf").unlink()
    with pytest.raises(ReleaseError, match="file of v2 is gone"):
        start_canary(project, project.ledger.version("v2"), actor="t", force=True)


def test_a_canary_needs_something_to_be_compared_with(project: Project) -> None:
    """The first version goes into production without one."""
    made = placed(project, "v1")

    with pytest.raises(ReleaseError, match="nothing in production"):
        start_canary(project, made, actor="t", force=True)
