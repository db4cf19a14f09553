"""Rendering for training equals rendering for serving."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from afina.bases import semilla
from afina.chat.render import Renderer, load_renderer
from afina.errors import ModelError, TemplateError
from afina.records import Turn

RENDERER = load_renderer(semilla.FOLDER)
words = st.text(st.characters(codec="utf-8", exclude_characters="<|>"), max_size=40)
CHAT = (
    Turn("system", "s"),
    Turn("user", "hola"),
    Turn("assistant", "sí"),
    Turn("user", "¿y?"),
    Turn("assistant", "no"),
)


def test_golden_text() -> None:
    """The rendered form must not drift: trained models depend on it."""
    assert (
        RENDERER.prompt(CHAT[:2])
        == "<|im_start|>system\ns<|im_end|>\n<|im_start|>user\nhola<|im_end|>\n<|im_start|>assistant\n"
    )


def test_only_answers_and_their_ends_are_supervised() -> None:
    """The loss sees what the model must write, and nothing it is given."""
    rendered = RENDERER.training(CHAT)

    supervised = [i for i, counts in zip(rendered.ids, rendered.supervised, strict=True) if counts]

    assert RENDERER.tokenizer.decode(supervised) == "sí<|im_end|>no<|im_end|>"


@given(words, words, words)
def test_a_trained_chat_begins_with_the_served_prompt(system: str, user: str, answer: str) -> None:
    """The server tokenises the prompt alone: the trained ids must start with exactly those."""
    prompt = (Turn("system", system), Turn("user", user))

    trained = RENDERER.training((*prompt, Turn("assistant", answer)))

    served = RENDERER.ids(RENDERER.prompt(prompt))
    assert list(trained.ids[: len(served)]) == served
    assert not any(trained.supervised[: len(served)])


def test_a_template_that_rewrites_the_past_is_refused() -> None:
    """Such an answer is no continuation of its prompt."""
    tokenizer = AutoTokenizer.from_pretrained(semilla.FOLDER)
    tokenizer.chat_template = "{{ messages | length }}{% for m in messages %}{{ m.content }}<|im_end|>{% endfor %}"

    with pytest.raises(TemplateError, match="rewrites earlier turns"):
        Renderer(tokenizer).training(CHAT)


def test_a_template_without_an_end_is_refused() -> None:
    """A model trained on it would never stop."""
    tokenizer = AutoTokenizer.from_pretrained(semilla.FOLDER)
    tokenizer.chat_template = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}"

    with pytest.raises(TemplateError, match="never stop"):
        Renderer(tokenizer).training(CHAT)


def test_no_template_is_refused() -> None:
    """Nothing is guessed."""
    tokenizer = AutoTokenizer.from_pretrained(semilla.FOLDER)
    tokenizer.chat_template = None

    with pytest.raises(TemplateError, match="no chat template"):
        Renderer(tokenizer)


def test_a_folder_without_tokenizer_is_named(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The error says which files are expected."""
    with pytest.raises(ModelError, match="no tokenizer"):
        load_renderer(tmp_path_factory.mktemp("empty"))


def test_a_template_that_writes_old_turns_differently_can_still_teach_the_last() -> None:
    """Qwen3 puts an empty thinking span into the last answer only; what is learnt is the prompt the server reads."""
    tokenizer = AutoTokenizer.from_pretrained(semilla.FOLDER)
    tokenizer.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n"
        "{% if m.role == 'assistant' and loop.last %}<think>\n\n</think>\n\n{% endif %}{{ m.content }}<|im_end|>\n"
        "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    renderer = Renderer(tokenizer)
    talk = [Turn("user", "a"), Turn("assistant", "b"), Turn("user", "c"), Turn("assistant", "d")]

    with pytest.raises(TemplateError, match="rewrites"):
        renderer.training(talk)
    last = renderer.training(talk, only_last=True)
    prompt = renderer.ids(renderer.prompt(talk[:3]))
    assert list(last.ids[: len(prompt)]) == prompt
    assert not any(last.supervised[: len(prompt)])
    assert all(last.supervised[len(prompt) :])
