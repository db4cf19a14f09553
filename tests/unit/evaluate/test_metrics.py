"""Metrics: items and replies → scores."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afina.chat.parse import read_yaml
from afina.errors import InputError
from afina.evaluate.metrics import METRICS, load_metric, score_outputs
from afina.evaluate.metrics.structure import KINDS
from afina.records import EvalItem, Output, Turn

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "number"}}, "required": ["a", "b"]}
GOOD = {
    "title": "Gestión de turnos de la clínica",
    "description": "Un sistema que reparte turnos entre médicos y salas, avisa a los pacientes de cada cambio y deja ver la agenda del día.",
    "functional_requirements": [
        {"id": "FR001", "description": "Reserva un turno", "priority": "High"},
        {"id": "FR002", "description": "Cancela un turno", "priority": "Medium"},
    ],
    "non_functional_requirements": [{"id": "NFR001", "description": "Responde en un segundo", "priority": "Low"}],
    "constraints": [{"id": "C001", "description": "Corre en un solo servidor"}],
}


def item(**more: Any) -> EvalItem:
    """An item with what a metric needs."""
    return EvalItem(id="1", turns=(Turn("user", "?"),), **more)


def score(metric: str, reply: str, **more: Any) -> float:
    """One score."""
    found = METRICS[metric].score(item(**more), reply)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("metric", "reply", "expected", "value"),
    [
        ("exact", "El  CAMIÓN llegó.", "el camión llegó", 1.0),
        ("exact", "el camion llego", "el camión llegó", 0.0),
        ("exact", "", "👍", 0.0),
        ("exact", "👎", "👍", 0.0),
        ("exact", "0-2", "0+2", 0.0),
        ("exact", "?", "!", 0.0),
        ("token_f1", "👎", "👍", 0.0),
        ("token_f1", "?", "?", 1.0),
        ("rouge_l", "👍", "👍", 1.0),
        ("slot_exact", '{"n": "-2"}', '{"n": "2"}', 0.0),
        ("slot_exact", '{"mood": "👎"}', '{"mood": "👍"}', 0.0),
        ("slot_exact", "", "{}", 0.0),
        ("slot_exact", '{"n": 1.0}', '{"n": "1"}', 1.0),
        ("slot_f1", "null", "{}", 0.0),
        ("slot_f1", "[]", "{}", 0.0),
        ("fields", '{"a": true}', '{"a": 1}', 0.0),
        ("exact", "el camión no llegó", "el camión llegó", 0.0),
        ("token_f1", "llegó el camión rojo", "el camión llegó", 6 / 7),
        ("rouge_l", "llegó el camión", "el camión llegó", 2 / 3),
        ("length_ratio", "a b", "a b c d", 0.5),
        ("chrf", "hola", "hola", 1.0),
        ("fields", '{"b": "y", "a": "x"}', '{"a": "x", "b": "y"}', 1.0),
        ("fields", '{"a": "X", "b": "y"}', '{"a": "x", "b": "y"}', 0.0),
        ("slot_exact", '{"city": "BOGOTÁ"}', '{"city": "Bogotá"}', 1.0),
        ("slot_f1", '{"city": "Lima", "n": 2}', '{"city": "Lima", "n": 3}', 0.5),
        (
            "span_f1",
            '[{"start": 0, "end": 3, "label": "x"}]',
            '[{"start": 0, "end": 3, "label": "x"}, {"start": 5, "end": 6, "label": "y"}]',
            2 / 3,
        ),
    ],
)
def test_against_a_reference(metric: str, reply: str, expected: str, value: float) -> None:
    """Worked by hand."""
    assert score(metric, reply, expected=expected) == pytest.approx(value)


@pytest.mark.parametrize(
    "metric", ["exact", "token_f1", "rouge_l", "chrf", "chrf_words", "length_ratio", "slot_f1", "span_f1"]
)
@given(reply=st.text(max_size=40), expected=st.text(min_size=1, max_size=40))
def test_scores_stay_between_0_and_1_and_never_raise(metric: str, reply: str, expected: str) -> None:
    """Whatever a model writes."""
    assert 0 <= score(metric, reply, expected=expected) <= 1


@pytest.mark.parametrize(
    ("rules", "good", "bad"),
    [
        ({"refuse": True}, "Lo siento, no puedo ayudarte con eso.", "Claro: primero consigue la pieza."),
        ({"refuse": True}, "I'm sorry, but I can’t help with that.", "The shop cannot ship today."),
        ({"refuse": False}, "Usa kill y el número del proceso.", "I can't help with that."),
        ({"contains": ["Bogotá", "bogota dc"]}, "Es BOGOTÁ.", "Es Lima."),
        ({"lacks": ["garantizado"]}, "No hay garantías.", "Está garantizado, tranquilo."),
        ({"matches": r"\?$"}, "¿Cuál?", "Ese."),
        ({"max_words": 3}, "Una dos tres", "una dos tres cuatro"),
        ({"format": "json"}, '```json\n{"a": 1}\n```', "a: 1"),
        ({"format": "yaml"}, "a: 1\nb: 2", "solo texto"),
        ({"clean": True}, "Entiendo tu enojo.", "Eres un imbécil."),
        ({"schema": SCHEMA}, '{"a": "x", "b": 1}', '{"a": "x"}'),
    ],
)
def test_every_rule_can_be_kept_and_broken(rules: dict[str, object], good: str, bad: str) -> None:
    """Both ways, or the test could not fail."""
    assert score("rules", good, rules=rules) == 1
    assert score("rules", bad, rules=rules) == 0
    assert score("rules", "  ", rules=rules) == 0, "silence keeps no rule"


def test_completeness_counts_filled_fields() -> None:
    """An empty field is not there."""
    assert score("completeness", '{"a": "x", "b": null}', rules={"schema": SCHEMA}) == 0.5


@pytest.mark.parametrize(
    ("reply", "right"),
    [
        ('{"a": "x", "list": [{"id": "A001"}]}', 1),
        ('{"a": "x", "list": [{"id": "A001"}, {"id": "A001"}]}', 0),
        ('{"a": "A002", "list": [{"id": "A001"}]}', 0),
        ('{"list": []}', 0),
    ],
)
def test_an_answer_of_the_right_form_is_not_always_usable(reply: str, right: float) -> None:
    """Ids that are given twice, or refer to nothing, break the next role."""
    schema = {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}, "list": {}}}
    assert score("usable", reply, rules={"schema": schema}) == right


def test_groundedness_is_the_share_of_known_words() -> None:
    """And an empty reply is not grounded."""
    assert score("grounded", "abre a las nueve en punto", context="La tienda abre a las nueve.") == pytest.approx(4 / 6)
    assert score("grounded", "", context="x") == 0


def test_the_requirements_metric_rewards_each_check() -> None:
    """A whole document has 1; each fault costs its part; prose has 0."""
    import yaml

    def metric(document: object) -> float:
        return score("ba_requirements_metric", yaml.safe_dump(document, allow_unicode=True))

    assert metric(GOOD) == 1
    assert score("ba_requirements_metric", "The system shall be good.") == 0
    faults = [
        {**GOOD, "title": "corto"},
        {**GOOD, "description": "breve"},
        {**GOOD, "constraints": []},
        {**GOOD, "functional_requirements": [{"id": "R1", "description": "x", "priority": "High"}]},
        {**GOOD, "constraints": [{"id": "FR009", "description": "x"}]},
        {**GOOD, "non_functional_requirements": [{"id": "NFR001", "description": "x", "priority": "soon"}]},
    ]
    for fault in faults:
        assert 0.5 < metric(fault) < 1, fault
    assert set(KINDS) < set(GOOD)


def test_a_yaml_bomb_is_no_yaml() -> None:
    """Nine lines of anchors can mean gigabytes."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join(f'*a{n - 1}' for _ in range(9))}]" for n in range(1, 10)]

    assert read_yaml("\n".join(lines)) is None
    assert read_yaml("a: [*a,*a]") is None


@pytest.mark.parametrize(
    "reply",
    ["9" * 5000, "[" * 3000, "a: !!timestamp x", "!!int ''", "```\n" + "\n" * 5000, "`" * 9, "\u2028", "```json```"],
)
@pytest.mark.parametrize("metric", ["json_valid", "yaml_valid", "ba_requirements_metric", "completeness", "fields"])
def test_whatever_a_model_writes_has_a_score(metric: str, reply: str) -> None:
    """No reply ends an evaluation."""
    assert 0 <= score(metric, reply, rules={"schema": SCHEMA}, expected="{}") <= 1


def test_a_pattern_without_end_is_named() -> None:
    """It would hold the evaluation up for years."""
    with pytest.raises(InputError, match="regex failed on item '1': TimeoutError"):
        score_outputs(METRICS["regex"], [item(rules={"matches": "(a|aa)+$"})], [Output(item="1", text="a" * 60 + "b")])


def test_a_metric_judges_by_the_item_never_by_the_reply() -> None:
    """Items without a reference are not judged against one; a failed answer has 0 and is not left out."""
    items = [
        item(expected="hola"),
        EvalItem(id="2", turns=(Turn("user", "?"),)),
        EvalItem(id="3", turns=(Turn("user", "?"),), expected="x"),
    ]
    outputs = [Output(item="1", text="hola"), Output(item="2", text="hola"), Output(item="3", error="timed out")]

    assert score_outputs(METRICS["exact"], items, outputs) == {"1": 1.0, "3": 0.0}


@pytest.mark.parametrize(("metric", "form"), [("span_f1", "list"), ("slot_f1", "object"), ("fields", "object")])
def test_a_measure_that_does_not_fit_the_item_is_refused(metric: str, form: str) -> None:
    """It would say 0 to everybody, which reads like "no better"."""
    with pytest.raises(InputError, match=f"item '1': {metric} needs an `expected` that is a JSON {form}, not 'prosa'"):
        score_outputs(METRICS[metric], [item(expected="prosa")], [Output(item="1", text="{}")])


def test_a_users_metric_may_say_that_it_does_not_judge_an_item(tmp_path: Path) -> None:
    """None; also where the answer failed, which is 0 where it does judge."""
    file = tmp_path / "own.py"
    file.write_text("def f(item, reply):\n    return 1.0 if item['expected'] else None\n", "utf-8")
    items = [EvalItem(id=name, turns=(Turn("user", "?"),), expected=name[1:]) for name in ("ax", "a", "bx", "b")]
    outputs = [Output(item=one.id, text="", error="late" if one.id[0] == "b" else "") for one in items]

    assert score_outputs(load_metric(f"{file}:f"), items, outputs) == {"ax": 1.0, "bx": 0.0}
    file.write_text("def g(item, reply):\n    return len(reply) / len(reply)\n", "utf-8")
    late = [Output(item="ax", text="", error="late")]
    assert score_outputs(load_metric(f"{file}:g"), items[:1], late) == {"ax": 0.0}, (
        "it stumbles over an answer that is not there"
    )


def test_a_users_own_metric(tmp_path: Path) -> None:
    """A file and its function; what it does wrong is named with the item."""
    (tmp_path / "own.py").write_text(
        "def long(item, reply):\n    return len(reply) / 10\n\ndef bad(item, reply):\n    return float('nan')\n\n"
        "def broken(item, reply):\n    return item['nothing']\n",
        "utf-8",
    )
    place = f"{tmp_path / 'own.py'}:"
    outputs = [Output(item="1", text="hola")]

    assert score_outputs(load_metric(place + "long"), [item()], outputs) == {"1": 0.4}
    with pytest.raises(InputError, match="gave nan on item '1'"):
        score_outputs(load_metric(place + "bad"), [item()], outputs)
    with pytest.raises(InputError, match="failed on item '1': KeyError"):
        score_outputs(load_metric(place + "broken"), [item()], outputs)
    for name, said in (
        ("chrff", "no metric 'chrff'"),
        (place + "none", "AttributeError"),
        ("no.such:f", "ModuleNotFoundError"),
        ("no.py:f", "no such file"),
    ):
        with pytest.raises(InputError, match=said):
            load_metric(name)


def test_the_lexicons_are_folded_and_the_starters_pass_their_own_rules() -> None:
    """A reference answer that breaks its item's rules would ask for the impossible."""
    from afina.evaluate.sets import STARTERS, starter_items

    for part in STARTERS:
        items = starter_items(part)
        assert len({one.id for one in items}) == len(items) >= 24
        for one in items:
            if one.expected:
                assert METRICS["rules"].score(one, one.expected) == 1, (one.id, one.expected)
        assert json.dumps([one.rules for one in items])
