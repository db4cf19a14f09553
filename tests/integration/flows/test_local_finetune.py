"""Fine-tuning on this machine, as the trainer API starts it."""

import json

import pytest

from afina.errors import InputError, NotEnoughDataError, StoreError
from afina.flows.datasets import write_training_file
from afina.flows.finetune import Wish, told
from afina.flows.local_finetune import LocalProvider, dataset_of
from afina.flows.project import Project
from afina.ids import RunId
from afina.records import RunState


def test_a_run_is_planned_queued_and_told(people: Project) -> None:
    """With its notes, on the newest dataset; running until its file is there."""
    queued: list[RunId] = []
    provider = LocalProvider(people, queued.append)

    started = provider.start(Wish(notes="spring"))
    identity, first = started.id, told(started)
    people.ledger.move_run(RunId(identity), RunState.RUNNING)
    people.ledger.move_run(RunId(identity), RunState.DONE)

    assert queued == [identity]
    assert (first["status"], first["notes"], first["dataset_uri"]) == ("queued", "spring", people.ledger.dataset().id)
    assert provider.standing(identity).status == "running", "trained, and no served file yet"


def test_an_exported_file_is_a_dataset_of_its_rows(people: Project) -> None:
    """Frozen like any other, with a held-out part; who was held out before stays held out."""
    kept = people.ledger.kept()
    path = write_training_file(kept[:100], people.task.kind.prompt(people.task), people.paths.exports)

    dataset = dataset_of(people, str(path))

    assert len(dataset.train) + len(dataset.validation) + len(dataset.test) <= 100
    assert len(dataset.test) > 0
    assert people.ledger.dataset().id == dataset.id


def test_what_is_no_dataset_is_refused(people: Project) -> None:
    """A file of elsewhere, one without messages, rows that are curated no more, an id that nobody gave."""
    outside = people.paths.project / "other.jsonl"
    outside.write_text("{}\n", "utf-8")
    people.paths.exports.mkdir(parents=True, exist_ok=True)
    bad = people.paths.exports / "bad.jsonl"
    bad.write_text('{"text": "x"}\n', "utf-8")
    strange = people.paths.exports / "strange.jsonl"
    messages = [{"role": "user", "content": "never said"}, {"role": "assistant", "content": "{}"}]
    strange.write_text(json.dumps({"messages": messages}) + "\n", "utf-8")

    with pytest.raises(InputError, match="no file that this project exported"):
        dataset_of(people, str(outside))
    with pytest.raises(InputError, match=r"bad\.jsonl, line 1: `messages` is needed"):
        dataset_of(people, str(bad))
    with pytest.raises(NotEnoughDataError, match="none of its rows is curated any more"):
        dataset_of(people, str(strange))
    with pytest.raises(StoreError, match="dat_none"):
        dataset_of(people, "dat_none")
