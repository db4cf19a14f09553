"""Old rows among the new ones."""

import pytest

from afina.freeze import replayed, require_whole, with_training
from afina.freeze.freeze import freeze
from afina.settings import FreezeSettings
from tests.tasks import labelled, replied, task_of, unlike

OLD = [labelled(str(n), unlike(n), x="ab"[n % 2]) for n in range(100)]
KEPT = [labelled(str(n), unlike(n), x="ab"[n % 2]) for n in range(50, 250)]


@pytest.mark.parametrize(("share", "count"), [(0.0, 0), (0.01, 1), (0.05, 6)])
def test_so_many_of_those_that_are_gone_come_back(share: float, count: int) -> None:
    """Of the training part of 200 rows, which is 130; the same ones each time, none that is still curated."""
    settings = FreezeSettings(replay=share)

    found = replayed(OLD, KEPT, settings)

    assert len(found) == count
    assert found == replayed(list(reversed(OLD)), KEPT, settings)
    assert not {one.message for one in found} & {one.message for one in KEPT}


def test_the_bases_own_answers_are_trained_on_counted_and_in_the_id() -> None:
    """And nowhere else."""
    task = task_of("chat")
    rows = [replied(str(n), unlike(n), f"respuesta {unlike(n + 500)}", f"u{n}") for n in range(60)]
    dataset = freeze(rows, FreezeSettings(), task)
    own = [replied("replay", "What is 17 times 6?", "102.")]

    longer = with_training(dataset, own)

    assert longer.train == (*dataset.train, *own)
    assert (longer.test, longer.validation) == (dataset.test, dataset.validation)
    assert longer.card["self_replay"] == 1
    assert longer.card["rows"]["train"] == len(dataset.train) + 1
    assert longer.id != dataset.id
    require_whole(longer, where="it")
    assert with_training(dataset, []) is dataset
