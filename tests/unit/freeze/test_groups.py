"""Which examples stand together."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from afina.freeze.freeze import Earlier, freeze
from afina.freeze.groups import copies_among, group_rows
from afina.likeness import alike
from afina.records import Dataset, Example, Origin, Split
from afina.settings import FreezeSettings
from tests.tasks import UNLIKE_WORDS as WORDS
from tests.tasks import classifier, labelled, unlike

TASK = classifier("x")


def row(number: int, text: str, *, user: str = "", talk: str = "") -> Example:
    """A message of a user in a conversation."""
    made = labelled(str(number), text, user or talk or f"own {number}", x=f"l{number % 2}")
    return replace(made, origin=Origin(user=user, conversation=talk))


def test_users_conversations_and_near_copies_hold_together_transitively() -> None:
    """0 and 1 share a user, 1 and 2 a conversation, 2 and 3 nearly their words; 4 is alone."""
    near = "quisiera saber dónde está mi pedido de la semana pasad"
    rows = [
        row(0, unlike(0), user="ana"),
        row(1, unlike(1), user="ana", talk="c1"),
        row(2, near + "a", talk="c1"),
        row(3, near + "o", user="eva"),
        row(4, unlike(4)),
    ]

    assert group_rows(rows, TASK, copies_among(rows, TASK, near=0.8)).of == (0, 0, 0, 0, 4)


def chain(length: int) -> list[str]:
    """Texts of which each is nearly the next one, and the first not at all the last."""
    text = [f"{word}{at}" for at, word in enumerate(WORDS)]
    said = []
    for step in range(length):
        text[step % len(text)] = f"{WORDS[step % 16][::-1]}{step}"
        said.append(" ".join(text))
    return said


def parts_of(dataset: Dataset) -> dict[str, Split]:
    """Message → part."""
    return {one.message: part for part in Split for one in dataset.part(part)}


def leaks(dataset: Dataset) -> list[tuple[str, str]]:
    """Held-out messages and the training messages that are near copies of them."""
    placed = parts_of(dataset)
    train = [text for text, part in placed.items() if part is Split.TRAIN]
    return [
        (text, one)
        for text, part in placed.items()
        if part is not Split.TRAIN
        for one in train
        if alike(text, one) >= 0.8
    ]


def test_a_long_chain_of_near_copies_is_loosened_said_and_leaks_nothing() -> None:
    """Forty of 140 rows hang together one by one: too many for one part."""
    rows = [row(n, text) for n, text in enumerate(chain(40))] + [row(100 + n, unlike(n)) for n in range(100)]

    dataset = freeze(rows, FreezeSettings(), TASK)

    [large] = dataset.card["large_groups"]
    assert large["rows"] == 40
    assert large["tightened_to"] > 0.8
    assert not leaks(dataset)
    assert sum(dataset.card["rows"].values()) + sum(dataset.card["left_out"].values()) == 140


def test_one_user_with_a_third_of_all_rows_stays_whole_and_is_said() -> None:
    """Nothing loosens a person."""
    rows = [row(n, unlike(n), user="loud" if n % 3 == 0 else f"u{n}") for n in range(150)]

    dataset = freeze(rows, FreezeSettings(), TASK)

    assert dataset.card["large_groups"] == [{"rows": 50, "tightened_to": 0.0, "largest_after": 50}]
    assert dataset.card["largest_group"] == 0.3333
    assert len({part for one, part in parts_of(dataset).items() if one in {unlike(n) for n in range(0, 150, 3)}}) == 1


sizes = st.lists(st.integers(1, 6), min_size=30, max_size=60)


@given(sizes, st.sampled_from([0.1, 0.2, 0.25, 0.3, 0.4]))
@settings(deadline=None, max_examples=20)
def test_the_test_share_is_met_within_two_points(groups: list[int], share: float) -> None:
    """Whatever the sizes of small groups are."""
    users = [user for user, size in enumerate(groups) for _ in range(size)]
    rows = [row(n, unlike(n), user=f"u{user}") for n, user in enumerate(users)]

    dataset = freeze(rows, FreezeSettings(test_share=share), TASK)

    assert abs(len(dataset.test) / len(rows) - share) <= 0.02 + 1 / len(rows)


def test_what_was_held_out_is_never_trained_on_whoever_says_it_again() -> None:
    """A copy of a held-out message by a new user joins the test; one by a user who is trained on is left out."""
    rows = [row(n, unlike(n), user=f"u{n}") for n in range(60)]
    first = freeze(rows, FreezeSettings(), TASK)
    earlier = Earlier(parts={one.group: part for part in Split for one in first.part(part)}, test=first.test)
    held, other, known = first.test[0], first.test[1], first.train[0]
    again = replace(row(500, f"{held.message}!", user="nuevo"), answer=held.answer)
    bridge = replace(row(501, f"{other.message}?", user=known.origin.user), answer=other.answer)

    second = freeze(
        [*rows, again, bridge, *(row(600 + n, unlike(600 + n)) for n in range(20))],
        FreezeSettings(),
        TASK,
        earlier=earlier,
    )

    placed = parts_of(second)
    assert placed[again.message] is Split.TEST
    assert bridge.message not in placed
    assert second.card["left_out"] == {"near copy of a held-out row": 1}
    assert {one.message for one in first.test} <= {one.message for one in second.test}


def test_a_held_out_message_that_is_curated_no_more_still_holds_its_copies_back() -> None:
    """Test parts are frozen for ever."""
    rows = [row(n, unlike(n), user=f"u{n}") for n in range(60)]
    first = freeze(rows, FreezeSettings(), TASK)
    gone = first.test[0]
    copy = row(500, f"{gone.message}.", user="nuevo")

    second = freeze(
        [*(one for one in rows if one.message != gone.message), copy],
        FreezeSettings(),
        TASK,
        earlier=Earlier(parts={one.group: part for part in Split for one in first.part(part)}, test=first.test),
    )

    assert parts_of(second)[copy.message] is Split.TEST


def test_messages_of_one_pattern_are_frozen_all_the_same_and_it_is_said() -> None:
    """Each is a near copy of many: left out for it, nothing would remain to train on."""
    rows = [row(n, f"quisiera saber dónde está mi pedido número {n}") for n in range(200)]

    dataset = freeze(rows, FreezeSettings(), TASK)

    assert sum(dataset.card["rows"].values()) == 200
    assert dataset.card["near_copies_across"] > 100
    assert dataset.card["left_out"] == {}
    assert dataset.card["large_groups"]


def test_of_messages_of_one_pattern_none_that_was_held_out_comes_back() -> None:
    """New ones may stay beside new held-out ones; what an earlier dataset held out is never trained on, nor its copies."""
    held = row(999, "quisiera saber cuándo abre la tienda de la esquina", user="antes")
    pattern = [row(n, f"quisiera saber dónde está mi pedido número {n}") for n in range(200)]
    copy = row(500, f"{held.message}?", user="conocido")

    earlier = Earlier(parts={"antes": Split.TEST, "conocido": Split.TRAIN}, test=(held,))
    dataset = freeze([*pattern, copy], FreezeSettings(), TASK, earlier=earlier)

    assert dataset.card["near_copies_across"] > 100
    assert dataset.card["left_out"] == {"near copy of a held-out row": 1}
    assert copy.message not in parts_of(dataset)
