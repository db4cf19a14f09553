"""Label columns, names, the demo's honesty."""

from typing import Any

import pytest
from afina.flows.freezing import freeze_note
from afina.flows.tune import recommended_training

from afina.demo.story import honest_failure
from afina.errors import InputError
from afina.flows.learn import label_columns, safe_name
from afina.ids import DatasetId, ExampleId
from afina.records import Dataset, Example
from afina.settings import TrainSettings


def test_commas_part_fields_and_plus_joins_columns() -> None:
    """The form of `--label`."""
    assert label_columns("a, b+c") == {"a": ["a"], "b+c": ["b", "c"]}
    for wrong in ("", "a,,b", "a+", "a,a"):
        with pytest.raises(InputError):
            label_columns(wrong)


def test_too_few_new_messages_in_the_test_are_said_before_the_training() -> None:
    """Three of the test's messages are in the training too: what is left is too few for a verdict, and that is known now."""
    rows = [
        Example(id=ExampleId(str(n)), text=f"mensaje {n} {'abcdefgh'[n % 8] * 9}", target={"x": "y"}, group=str(n))
        for n in range(40)
    ]
    dataset = Dataset(
        id=DatasetId("dat_1"),
        task="t",
        fields=("x",),
        labels={"x": ("y",)},
        train=tuple(rows[:30]),
        validation=(),
        test=(*rows[30:], *rows[:3]),
        card={"rows": {"train": 30, "validation": 0, "test": 13}},
    )

    note = freeze_note(dataset, least=12)

    assert note.endswith("13 test, 3 of these known from training: too few for a verdict, 12 others are needed")
    assert "too few" not in freeze_note(dataset, least=10)


def test_names_are_safe() -> None:
    """Fit for a file and for a model's name."""
    assert safe_name("Mis Datos (2).v1") == "mis-datos--2--v1"
    assert safe_name("日本") == "model"


def test_the_built_in_base_brings_its_settings_unless_the_user_has_some() -> None:
    """A model of 5 M parameters needs other rates than one of 3 B."""
    own = TrainSettings.model_validate({"lora": {"r": 4}})

    assert recommended_training("semilla", TrainSettings()).lora.r > 16
    assert recommended_training("semilla", own) == own
    assert recommended_training("other", TrainSettings()) == TrainSettings()


def report(**changes: Any) -> dict[str, Any]:
    """A demo report that is a success, with changes to its task."""
    task = {
        "task": "classify",
        "p_value": 0.001,
        "base": {"score": 0.1},
        "tuned": {"score": 0.7},
        "yardsticks": {"majority": {"score": 0.3}},
    }
    return {"tasks": [{**task, **changes}], "canary": {"action": "promote", "reason": ""}}


def test_the_demo_cannot_lie() -> None:
    """Not better than the base, than the majority class, or not promoted: each is a failure in words."""
    assert honest_failure(report()) == ""
    assert "not better" in honest_failure(report(p_value=0.2))
    assert "not better" in honest_failure(report(tuned={"score": 0.05}))
    assert "majority" in honest_failure(report(tuned={"score": 0.25}))
    assert "not promoted" in honest_failure({**report(), "canary": {"action": "roll_back", "reason": "slow"}})
