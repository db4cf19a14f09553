"""Thinking spans never reach an answer or a training target."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afina.bases import semilla
from afina.chat import ThinkingFilter, strip_thinking
from afina.chat.render import load_renderer
from afina.chat.thinking import WHOLE
from afina.records import Turn

CASES = [
    ("Hola.", "Hola."),
    ("", ""),
    ("<think>a\nb</think>\n\nHola.", "Hola."),
    ("[THINK]a[/THINK]Hola.", "Hola."),
    ("<think>a</think>uno <think>b</think>dos", "uno dos"),
    ("pensaba esto</think>\nHola.", "Hola."),
    ("Hola. <think>nunca termina", "Hola. "),
    ("a < b y c > d, <thin", "a < b y c > d, <thin"),
]


@pytest.mark.parametrize(("written", "shown"), CASES)
def test_spans_are_left_out(written: str, shown: str) -> None:
    """Whole ones, one that began in the prompt, one that never ends; other angle brackets stay."""
    assert strip_thinking(written) == shown


@given(
    st.lists(st.sampled_from(["a", " ", "\n", "<", ">", "<think>", "</think>", "[THINK]", "[/THINK]", "<thi", "nk>"])),
    st.integers(1, 7),
)
def test_pieces_show_what_the_whole_shows(parts: list[str], size: int) -> None:
    """However a stream is cut, the same text comes out; nothing of a span ever does."""
    text = "".join(parts)
    whole, piecewise = ThinkingFilter(), ThinkingFilter()

    once = whole.feed(text) + whole.end()
    pieces = "".join(piecewise.feed(text[at : at + size]) for at in range(0, len(text), size)) + piecewise.end()

    assert pieces == once
    rest = WHOLE.sub("", text)
    if not any(mark in rest for mark in ("<think>", "</think>", "[THINK]", "[/THINK]")):
        assert once == strip_thinking(text)


def test_an_answers_thinking_is_no_target_unless_it_is_real() -> None:
    """Invented chains of thought teach a model to pretend."""
    renderer = load_renderer(semilla.FOLDER)
    chat = [Turn("user", "hola"), Turn("assistant", "<think>saludo</think>\nHola.")]
    plain = [Turn("user", "hola"), Turn("assistant", "Hola.")]

    assert renderer.training(chat) == renderer.training(plain)
    assert len(renderer.training(chat, thinking=True).ids) > len(renderer.training(plain).ids)
