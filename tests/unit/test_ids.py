"""Ids sort in the order in which they were made."""

from concurrent.futures import ThreadPoolExecutor

from afina.ids import new_id


def test_ids_of_one_millisecond_sort_in_their_order() -> None:
    """The later row of a file is the later decision."""
    made = [new_id("fbk") for _ in range(5000)]

    assert made == sorted(made)


def test_ids_of_several_threads_differ() -> None:
    """Nobody takes another's."""
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: new_id("int"), range(5000)))

    assert len(set(made)) == 5000
