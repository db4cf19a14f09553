"""Named SQL and ids."""

import pytest

from afina.ids import new_id
from afina.store.named import read_queries

ROOMS = ["capture", "curate", "freeze", "train", "export", "release", "serve"]


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_has_readable_queries(room: str) -> None:
    """Each has a name and a body."""
    queries = read_queries(f"afina.{room}")

    assert queries
    assert all(body.strip() for body in queries.values())


def test_ids_sort_by_time_and_do_not_repeat() -> None:
    """Made in order, sorted in order (of milliseconds)."""
    ids = [new_id("x") for _ in range(2000)]

    assert len(set(ids)) == len(ids)
    assert sorted(i[:12] for i in ids) == [i[:12] for i in ids]
    assert all(len(i) == 28 for i in ids)
