"""How a generation is tuned: document 001's remedies; the tuning itself is in tests/integration/flows/test_bootstrap.py."""

from pathlib import Path

import pytest

from afina.flows.boot import Boot, BootstrapOptions
from afina.flows.bootstrap_training import overfitted, shortened, training_settings
from afina.progress import Silent, Stages
from tests.unit.flows.role_models import space


def test_more_than_a_day_is_made_shorter() -> None:
    """Two trainings, on 100 and on 300 examples; 30 hours are too many, 24 are not."""
    generations, minutes, remedies = shortened((100, 200), 24.0)
    assert (generations, remedies) == ((100, 200), [])
    assert minutes == pytest.approx(24 * 60 * 4 / 3)
    generations, minutes, remedies = shortened((100, 200), 30.0)
    assert generations == (80, 80)
    assert minutes == pytest.approx(0.1 * 240 * 60)
    assert remedies == ["training would take 30 hours: at most 80 examples of each generation, 2 epochs, r 8"]
    assert shortened((50, 60), 30.0)[0] == (50, 60)


@pytest.mark.parametrize(
    ("best", "early", "heart"), [(10, False, True), (11, False, False), (20, False, False), (15, True, True)]
)
def test_a_run_that_was_best_at_half_its_way_overfitted(best: int, early: bool, heart: bool) -> None:
    """Or one that was stopped because it became worse."""
    assert overfitted({"best_step": best, "planned_steps": 20, "stopped_early": early}) is heart


def test_remedies_change_the_next_training(tmp_path: Path) -> None:
    """Gentler after a generation that overfitted, shorter where the budget says so, and nothing else."""
    boot = Boot(space=space(tmp_path), options=BootstrapOptions(minutes=3.0), stages=Stages(Silent()))
    first = training_settings(boot, "v1").train
    assert (first.training.minutes, first.lora) == (3.0, boot.space.settings.train.lora)
    boot.done["v1"] = {"overfitted": True}
    second = training_settings(boot, "v2").train
    assert second.lora.lora_dropout == max(first.lora.lora_dropout, 0.1)
    assert second.training.learning_rate == first.training.learning_rate / 2
    assert training_settings(boot, "v3").train == training_settings(boot, "r-12ab").train == first
    boot.done["budget"] = {"remedies": ["training would take 30 hours"]}
    short = training_settings(boot, "v1").train
    assert (short.lora.r, short.training.num_epochs) == (min(8, first.lora.r), min(2, first.training.num_epochs))
