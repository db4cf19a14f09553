"""Document 001's criteria, one by one."""

from afina.flows.role_report import advice, criteria

BASE = {"ba_requirements_metric": 0.5, "yaml_valid": 0.3, "tokens_per_sec": 90.0, "ram_usage_mb": 300.0}
TUNED = {"ba_requirements_metric": 0.9, "yaml_valid": 0.95, "tokens_per_sec": 80.0, "ram_usage_mb": 320.0}


def met(tuned: dict[str, float | None], *, stars: float | None = None, usable: float = 1.0) -> dict[str, bool]:
    """Criterion → whether it is met."""
    found = criteria(BASE, {**TUNED, **tuned}, usable, stars, "ba_requirements_metric")
    return {one.name: one.met for one in found if one.critical}


def test_all_met_is_a_go() -> None:
    """Ratings are shown, they are no condition."""
    assert all(met({}).values())
    assert all(met({}, stars=2.0).values())


def test_each_one_can_be_missed_alone() -> None:
    """What is not known is not met."""
    assert not met({"ba_requirements_metric": 0.54})["gain over the base"]
    assert not met({"ba_requirements_metric": 0.79})["score on the human examples"]
    assert not met({"yaml_valid": 0.89})["valid YAML"]
    assert not met({"tokens_per_sec": 9.0})["tokens a second"]
    assert not met({"ram_usage_mb": 8000.0})["memory, MB"]
    assert not met({"ram_usage_mb": None})["memory, MB"]
    assert not met({}, usable=0.79)["answers that the next role can use"]


def test_a_base_that_scores_nothing_can_be_beaten() -> None:
    """A gain over zero has no ratio."""
    found = criteria({**BASE, "ba_requirements_metric": 0.0}, TUNED, 1.0, None, "ba_requirements_metric")
    assert found[0].found == 1.0


def test_what_was_missed_has_a_remedy() -> None:
    """Document 001's."""
    assert advice(["valid YAML"]) == [
        "valid YAML: more examples or epochs; bound by its schema every answer is valid in any case"
    ]
