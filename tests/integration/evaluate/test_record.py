"""Asking arms and keeping what they said: real files, no model."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from afina.errors import InputError, RuntimeFailedError
from afina.evaluate.arms import Arm, Asking, Nearest, OpenedArm, answers_arm, lookup_arm
from afina.evaluate.record import read_record, write_record
from afina.evaluate.run import run_arm
from afina.evaluate.sets import make_set
from afina.records import EvalItem, Output, Part, Turn
from afina.verdict.summary import summarise

ITEMS = make_set(
    "set", [EvalItem(id=str(n), turns=(Turn("user", f"pregunta {n}"),), expected=str(n), group="g") for n in range(6)]
)


def arm_of(ask: Callable[[EvalItem], Output], *, alive: bool = True, name: str = "arm") -> Arm:
    """An arm that answers as it is told."""

    @contextmanager
    def opened(_: object) -> Iterator[OpenedArm]:
        yield OpenedArm(ask=ask, alive=lambda: alive)

    return Arm(name=name, source={"kind": "test"}, open=opened)


def test_a_record_comes_back_as_it_was_written(tmp_path: Path) -> None:
    """Items, outputs, scores, environment: nothing else is needed to score it again."""
    record = run_arm(
        arm_of(lambda item: Output(item=item.id, text=f"«{item.id}»\u2028fin", tokens_out=3)),
        ITEMS,
        partial=tmp_path / "p.jsonl",
    )
    write_record(tmp_path / "r.jsonl", record, {"exact": {"0": 1.0, "3": 0.5}})

    again, scores = read_record(tmp_path / "r.jsonl")

    assert (again.eval_set, again.outputs, again.source) == (ITEMS, record.outputs, {"kind": "test"})
    assert scores == {"exact": {"0": 1.0, "3": 0.5}}
    assert again.outputs[0].text == "«0»\u2028fin"
    assert again.environment["runtime"].startswith("xllamacpp")


def test_an_interrupted_run_goes_on_and_asks_nothing_twice(tmp_path: Path) -> None:
    """Killed in the fourth item, with a torn last line; then another set must not take its answers."""
    asked: list[str] = []

    def dies(item: EvalItem) -> Output:
        asked.append(item.id)
        if len(asked) == 4:
            raise KeyboardInterrupt
        return Output(item=item.id, text="x")

    partial = tmp_path / "p.jsonl"
    with pytest.raises(KeyboardInterrupt):
        run_arm(arm_of(dies), ITEMS, partial=partial)
    with partial.open("a", encoding="utf-8") as file:
        file.write('{"item": "3", "te')

    record = run_arm(arm_of(dies), ITEMS, partial=partial)

    assert [o.item for o in record.outputs] == [i.id for i in ITEMS.items]
    assert [asked.count(item) for item in "012"] == [1, 1, 1]
    before = len(asked)
    other = make_set("set", ITEMS.items[:3])
    run_arm(arm_of(dies), other, partial=partial)
    assert len(asked) == before + 3


def test_a_failed_item_is_data_and_a_dead_worker_is_not(tmp_path: Path) -> None:
    """One time-out among six; a worker that is gone ends the run."""

    def fails(item: EvalItem) -> Output:
        if item.id == "2":
            raise RuntimeFailedError("timed out")
        return Output(
            item=item.id,
            text="" if item.id == "3" else "no puedo ayudarte",
            cut=item.id == "4",
            milliseconds=10,
            first_ms=4,
            tokens_out=3,
        )

    record = run_arm(arm_of(fails), ITEMS, partial=tmp_path / "p.jsonl")

    assert record.outputs[2].error == "timed out"
    found = summarise(record)
    assert (found.items, found.failed, found.empty, found.cut, found.refused) == (6, 1, 1, 1, 4)
    assert found.tokens_per_s == 500.0
    with pytest.raises(RuntimeFailedError):
        run_arm(arm_of(fails, alive=False), ITEMS, partial=tmp_path / "q.jsonl")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda text: text[: len(text) // 2], "damaged|cut short"),
        (lambda text: "\n".join(text.splitlines()[:-1]) + "\n", "5 of 6 items; the file was cut short"),
        (lambda text: text.replace('"version": 1', '"version": 9'), "version 9"),
        (lambda text: text.replace("pregunta 3", "pregunta 9"), "items were changed"),
        (lambda text: text.replace("afina-evaluation", "x"), "not a record"),
        (lambda _: "[]\n", "damaged"),
    ],
)
def test_damaged_records_are_refused(tmp_path: Path, damage: Callable[[str], str], said: str) -> None:
    """Nothing half-written is taken for whole, nothing changed for what was judged."""
    record = run_arm(arm_of(lambda item: Output(item=item.id, text="x")), ITEMS, partial=tmp_path / "p.jsonl")
    path = tmp_path / "r.jsonl"
    write_record(path, record, {})
    path.write_text(damage(path.read_text("utf-8")), "utf-8")

    with pytest.raises(InputError, match=said):
        read_record(path)


def test_imported_answers_must_be_complete(tmp_path: Path) -> None:
    """The missing ones are named."""
    arm = answers_arm("gpt", Path("a.jsonl"), {str(n): "x" for n in range(4)})

    with pytest.raises(InputError, match="no answers to 2 items: '4', '5'"):
        run_arm(arm, ITEMS, partial=tmp_path / "p.jsonl")


def test_nearest_examples_stand_in_the_prompt_nearest_last() -> None:
    """After the system turn, before the question; only for the target part."""
    nearest = Nearest([("el pedido no llega", "A"), ("mi clave falla", "B"), ("el pedido llega roto", "C")], k=2)
    item = EvalItem(id="1", turns=(Turn("system", "s"), Turn("user", "mi pedido no llega nunca")))

    asking = Asking(max_tokens=8, nearest=nearest, system="not this one")
    turns = asking.turns(item)

    assert [turn.content for turn in turns] == [
        "s",
        "el pedido llega roto",
        "C",
        "el pedido no llega",
        "A",
        "mi pedido no llega nunca",
    ]
    guard = EvalItem(id="2", turns=item.turns, part=Part.SAFETY)
    assert asking.turns(guard) == item.turns
    alone = replace(item, turns=item.turns[1:])
    assert [t.content for t in Asking(max_tokens=8, system="told").turns(alone)] == ["told", "mi pedido no llega nunca"]
    with lookup_arm("nearest", nearest).open(ITEMS) as asked:
        assert asked.ask(item).text == "A"
    assert json.dumps(nearest.source())
