"""Old rows among the new ones, so that a model that is trained again forgets less (Robins 1995, "rehearsal")."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b

from afina.freeze.freeze import content_id, text_of
from afina.records import Dataset, Example
from afina.settings import FreezeSettings


def replayed(once: Sequence[Example], kept: Sequence[Example], settings: FreezeSettings) -> list[Example]:
    """Of rows that were trained on once and are curated no more so many as the settings want, the same each time."""
    held = {text_of(example) for example in kept}
    gone = [example for example in once if text_of(example) not in held]
    drawn = sorted(gone, key=lambda one: blake2b(f"{settings.seed}/{text_of(one)}".encode(), digest_size=8).digest())
    return drawn[: int(settings.replay * training_rows(len(kept), settings))]


def training_rows(rows: int, settings: FreezeSettings) -> float:
    """About how many of so many rows are trained on."""
    return rows * (1 - settings.test_share - settings.validation_share)


def with_training(dataset: Dataset, more: Sequence[Example]) -> Dataset:
    """The dataset with more rows to train on, counted in its card. Its id is another: its content is."""
    if not more:
        return dataset
    train = (*dataset.train, *more)
    card = {**dataset.card, "rows": {**dataset.card["rows"], "train": len(train)}, "self_replay": len(more)}
    longer = replace(dataset, train=train, card=card)
    return replace(longer, id=content_id(longer))
