"""The verdict's page."""

import re
from dataclasses import replace
from typing import Any

import pytest

from afina.evaluate.ask import score_record
from afina.evaluate.metrics import load_metric
from afina.evaluate.sets import make_set
from afina.records import Cause, Corrections, EvalItem, EvalRecord, Output, Policy, Turn, Verdict
from afina.verdict.judge import Question, judge
from afina.web.verdict import shown, texts, verdict_page

LABELS = ("envío", "pago", "cuenta")
EVIL = "<script>alert(1)</script> $x^2"


def labelled(right: int, name: str) -> Any:
    """An arm that gets so many of 60 labels."""
    items = [
        EvalItem(id=str(n), turns=(Turn("user", f"{EVIL} mensaje {n}"),), expected=f'{{"topic": "{LABELS[n % 3]}"}}')
        for n in range(60)
    ]
    outputs = [
        Output(
            item=i.id,
            text=i.expected if n < right else '{"topic": "pago"}',
            confidence=0.9,
            milliseconds=9,
            tokens_out=4,
        )
        for n, i in enumerate(items)
    ]
    record = EvalRecord(
        eval_set=make_set("s", items), arm=name, source={"system": f"Prompt of {name}"}, outputs=tuple(outputs)
    )
    return score_record(record, [load_metric("fields")])


def judged(a: int, b: int) -> Verdict:
    """A verdict on 60 labels."""
    return judge(
        [labelled(a, "base"), labelled(b, "$tuned_1")],
        Question(a="base", b="$tuned_1", policy=Policy(minimum_effect=0.1)),
    )


@pytest.mark.parametrize(("language", "headline"), [("en", "Yes. Put $tuned_1"), ("es", "Sí. Pon $tuned_1")])
def test_the_page_says_the_outcome_in_the_readers_language(language: str, headline: str) -> None:
    """With plots, no script, nothing from the network, and no text of a message taken for markup."""
    page = verdict_page(judged(5, 55), language=language)

    assert headline in page
    assert re.search(r"Macro-F1 .*0\.\d{3} → 0\.\d{3}, \w+ \+0\.\d{3} \(\+0\.\d{3} \w+ \+0\.\d{3}\)", page)
    assert page.count("<svg") == 5
    assert "<script" not in page
    assert not re.search(r'(src|href)="https?:', page)
    assert "&lt;script&gt;" in page
    assert all(f"Prompt of {name}" in page for name in ("base", "$tuned_1"))


def test_both_languages_have_every_text_and_every_cause() -> None:
    """A missing one would end the page."""
    assert texts("en").keys() == texts("es").keys()
    assert {cause.value.replace(" ", "-") for cause in Cause if cause is not Cause.FAILED} | {
        "no-answers",
        "go",
        "no-go",
        "cannot-tell",
    } <= texts("en").keys()
    for key, text in texts("en").items():
        assert set(re.findall(r"{(\w+)}", text)) == set(re.findall(r"{(\w+)}", texts("es")[key])), key


def test_shares_are_said_in_per_cent() -> None:
    """Others as they are."""
    assert (shown("safety/rules", 0.5), shown("chrf", 0.5), shown("log_likelihood", -2.0)) == ("50.0 %", "0.5", "-2")


def test_no_gain_and_too_few_have_pages_too() -> None:
    """The causes that are no go."""
    assert "do not show that" in verdict_page(judged(50, 50), language="en")


def test_corrections_that_are_wrong_again_stand_on_the_page_with_their_texts() -> None:
    """Counted, and no text of a message taken for markup; where none were asked there is no such part."""
    plain = judged(5, 55)
    lost = replace(plain.gains[0], id="exa_lost", question=EVIL, a="right before", b="wrong now")
    asked = Corrections(before="live", asked=40, was_right=30, now_right=33, broken=1, changes=(lost,))

    page = verdict_page(replace(plain, corrections=asked), language="en")

    assert "40 questions that people put right: live has 30 right, $tuned_1 33. Right before and wrong now: 1." in page
    assert all(text in page for text in ("exa_lost", "right before", "wrong now"))
    assert "<script" not in page
    assert "Every correction ever made" not in verdict_page(plain, language="en")
