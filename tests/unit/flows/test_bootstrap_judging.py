"""Which generation answers for a role; the whole way is in tests/integration/flows/test_bootstrap.py."""

from pathlib import Path

import pytest

from afina.errors import InputError
from afina.flows.boot import Boot, BootstrapOptions
from afina.flows.bootstrap_judging import choose, require_answers
from afina.flows.role_compare import Contender
from afina.progress import Silent, Stages
from afina.store.paths import read_json, write_json
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
    tuned = [Contender(name=f"v{at}", source=f"v{at}.gguf", program=boot.space.short_program()) for at in (1, 2)]
    for at, (outcome, score) in enumerate((first, second), start=1):
        scores = {"base": 0.5, "base+program": 0.7, f"v{at}": score}
        bound = {name: {"role_score": value} for name, value in scores.items()}
        boot.done[f"judge-{at}"] = {"verdict": {"outcome": outcome}, "bound": bound}

    choose(boot, tuned)

    assert read_json(boot.space.best)["name"] == chosen
    write_json(boot.space.best, {"source": str(boot.folder / "v1" / "x.gguf"), "name": "v1 of before"})
    choose(boot, tuned)
    assert boot.space.best.is_file() == (chosen != "old")


def test_a_model_that_answered_nothing_is_no_zero() -> None:
    """Beside the others it would say something untrue of it; one answer is enough."""
    base, silent = {"failed": 2, "items": 3}, {"failed": 3, "items": 3}
    require_answers({"base": base})
    with pytest.raises(InputError, match="reference answered none of 3 questions"):
        require_answers({"base": base, "reference": silent})
