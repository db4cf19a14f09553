"""Which generation answers for a role, and which one writes for the next; the whole way is in tests/integration/flows/test_bootstrap.py."""

from dataclasses import replace
from pathlib import Path

import pytest

from afina.errors import InputError
from afina.flows.boot import Boot, BootstrapOptions
from afina.flows.bootstrap_judging import choose, contenders_of, next_writer, require_answers
from afina.flows.role_compare import Contender
from afina.progress import Silent, Stages
from afina.store.paths import read_json, write_json
from afina.synth.program import read_program, write_program
from tests.unit.flows.role_models import space


@pytest.mark.parametrize(
    ("first", "second", "chosen"),
    [
        (("go", 0.8), ("go", 0.8), "v2"),
        (("go", 0.8), ("no-go", 0.9), "v1"),
        (("go", 0.8), ("go", 0.6), "v1"),
        (("go", 0.7), ("cannot tell", 0.9), "v1"),
        (("no-go", 0.9), ("cannot tell", 0.9), "old"),
        (("go", 0.69), ("go", 0.69), "old"),
    ],
)
def test_the_newest_that_is_surely_better_and_bound_no_worse_answers(
    first: tuple[str, float], second: tuple[str, float], chosen: str, tmp_path: Path
) -> None:
    """The base, asked well, has 0.7 bound: as the roles run. What answered before goes on where none is that good."""
    boot = Boot(space=space(tmp_path), options=BootstrapOptions(), stages=Stages(Silent()))
    write_json(boot.space.best, {"source": "old.gguf", "name": "old"})
    write_program(boot.program, boot.space.start_program())
    tuned = [Contender(name=f"v{at}", source=f"v{at}.gguf", program=boot.space.short_program()) for at in (1, 2)]
    for at, (outcome, score) in enumerate((first, second), start=1):
        scores = {"base": 0.5, "base+program": 0.7, f"v{at}": score}
        bound = {name: {"role_score": value} for name, value in scores.items()}
        boot.done[f"judge-{at}"] = {"verdict": {"outcome": outcome}, "bound": bound}

    choose(boot, tuned)

    assert read_json(boot.space.best)["name"] == chosen
    write_json(boot.space.best, {"source": str(boot.folder / "v1" / "x.gguf"), "name": "v1 of before"})
    choose(boot, tuned)
    assert boot.space.best.is_file() == boot.space.base_file.is_file() == (chosen != "old")


def test_the_first_bootstrap_leaves_its_base_and_prompt(tmp_path: Path) -> None:
    """Also where no generation is better; a later one that is no better leaves those that were there."""
    boot = Boot(space=space(tmp_path), options=BootstrapOptions(), stages=Stages(Silent()))
    bound = {name: {"role_score": 0.7} for name in ("base", "base+program", "v1")}
    boot.done["judge-1"] = {"verdict": {"outcome": "no-go"}, "bound": bound}
    tuned = [Contender(name="v1", source="v1.gguf", program=boot.space.short_program())]
    for wording, kept in (("First.", "First."), ("Second.", "First.")):
        write_program(boot.program, replace(boot.space.start_program(), instructions=wording))
        choose(boot, tuned)
        assert read_program(boot.space.program, role="ba").instructions == kept
    assert boot.space.base_file.read_text() == "semilla\n"


@pytest.mark.parametrize(
    ("scores", "writer"),
    [((), "base+program"), ((0.63,), "v1"), ((0.62,), "base+program"), ((0.9, 0.82), "v2"), ((0.9, 0.8), "v1")],
)
def test_the_newest_generation_writes_unless_it_is_clearly_worse(
    scores: tuple[float, ...], writer: str, tmp_path: Path
) -> None:
    """Than the best so far, the base asked well among them, which has 0.7 bound; a reference never writes."""
    boot = Boot(space=space(tmp_path), options=BootstrapOptions(reference="other.gguf"), stages=Stages(Silent()))
    write_program(boot.program, replace(boot.space.start_program(), instructions="Better."))
    names = [f"v{at}" for at in range(1, len(scores) + 1)]
    tuned = [Contender(name=name, source=f"{name}.gguf", program=boot.space.short_program()) for name in names]
    bound = {"reference": 1.0, "base": 0.5, "base+program": 0.7, **dict(zip(names, scores, strict=True))}
    judged = {"bound": {name: {"role_score": value} for name, value in bound.items()}}
    assert next_writer(boot, tuned, judged).name == writer


def test_a_search_that_found_nothing_is_no_other_contender(tmp_path: Path) -> None:
    """The same question asked twice is answered otherwise beside other requests: a difference that says nothing."""
    boot = Boot(space=space(tmp_path), options=BootstrapOptions(), stages=Stages(Silent()))
    start = boot.space.start_program()
    assert [one.name for one in contenders_of(boot)] == ["base"]  # no search was made
    for found, names in (
        (replace(start, found={"calls": 9}), ["base"]),
        (replace(start, examples=(("?", "!"),)), ["base", "base+program"]),
        (replace(start, instructions="Better."), ["base", "base+program"]),
    ):
        write_program(boot.program, found)
        assert [one.name for one in contenders_of(boot)] == names
    bound = {name: {"role_score": 0.7} for name in ("base", "v1")}
    boot.done["judge-1"] = {"verdict": {"outcome": "go"}, "bound": bound}
    choose(boot, [Contender(name="v1", source="v1.gguf", program=boot.space.short_program())])
    assert read_json(boot.space.best)["name"] == "v1"


def test_a_model_that_answered_nothing_is_no_zero() -> None:
    """Beside the others it would say something untrue of it; one answer is enough."""
    base, silent = {"failed": 2, "items": 3}, {"failed": 3, "items": 3}
    require_answers({"base": base})
    with pytest.raises(InputError, match="reference answered none of 3 questions"):
        require_answers({"base": base, "reference": silent})
