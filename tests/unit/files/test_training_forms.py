"""Examples in the forms of other trainers."""

from dataclasses import replace

import pytest

from afina.files.training_forms import FORMS, chat
from afina.records import Example, Origin, Turn
from tests.tasks import replied

ANSWER = replied("1", "¿Cuánto cuesta?", "Cuesta $ 5.000.", category="precio", quality=5, product="Taza")
LONG = replace(ANSWER, turns=(Turn("user", "hola"), Turn("assistant", "Hola."), *ANSWER.turns))
CORRECTED = replace(ANSWER, origin=Origin(evidence="corrected", predicted="No sé."))
TEXT = replace(ANSWER, turns=())
ASKED = [{"role": "system", "content": "Breve."}, {"role": "user", "content": "¿Cuánto cuesta?"}]
RIGHT = {"role": "assistant", "content": "Cuesta $ 5.000."}
WRONG = {"role": "assistant", "content": "No sé."}


def test_the_training_file_is_the_documents() -> None:
    """Messages, the prompt where there is one, and metadata with the document's names; a plain text is its text."""
    [row] = chat(ANSWER, "Breve.")

    assert row["messages"] == [*ASKED, RIGHT]
    assert row["metadata"] == {"category": "precio", "productName": "Taza", "qualityScore": 5}
    own = replace(ANSWER, turns=(Turn("system", "Propio."), Turn("user", "a")))
    assert next(chat(own, "Breve."))["messages"][0]["content"] == "Propio."
    assert next(chat(TEXT, ""))["text"] == "Cuesta $ 5.000."


GOLDEN = [
    ("openai", ANSWER, [{"messages": [*ASKED, RIGHT]}]),
    ("alpaca", ANSWER, [{"instruction": "Breve.", "input": "¿Cuánto cuesta?", "output": "Cuesta $ 5.000."}]),
    (
        "alpaca",
        LONG,
        [
            {
                "instruction": "Breve.",
                "input": "¿Cuánto cuesta?",
                "output": "Cuesta $ 5.000.",
                "history": [["hola", "Hola."]],
            }
        ],
    ),
    (
        "sharegpt",
        ANSWER,
        [
            {
                "conversations": [
                    {"from": "system", "value": "Breve."},
                    {"from": "human", "value": "¿Cuánto cuesta?"},
                    {"from": "gpt", "value": "Cuesta $ 5.000."},
                ]
            }
        ],
    ),
    ("dpo", ANSWER, []),
    ("dpo", CORRECTED, [{"prompt": ASKED, "chosen": [RIGHT], "rejected": [WRONG]}]),
    ("kto", ANSWER, [{"prompt": ASKED, "completion": [RIGHT], "label": True}]),
    (
        "kto",
        CORRECTED,
        [
            {"prompt": ASKED, "completion": [RIGHT], "label": True},
            {"prompt": ASKED, "completion": [WRONG], "label": False},
        ],
    ),
]


@pytest.mark.parametrize(("form", "example", "rows"), GOLDEN)
def test_each_form_is_as_its_owner_documents_it(form: str, example: Example, rows: list[dict[str, object]]) -> None:
    """Only a correction makes a preference pair: the correction is chosen, the prediction rejected."""
    assert list(FORMS[form](example, "Breve.")) == rows


@pytest.mark.parametrize("form", [form for form in FORMS if form != "chat"])
def test_a_plain_text_is_no_row_of_a_chat_trainer(form: str) -> None:
    """It has nothing to answer."""
    assert not list(FORMS[form](TEXT, ""))
