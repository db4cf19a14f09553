"""A GGUF's own tokenizer and template, against those of the model that it was made from."""

from pathlib import Path

import pytest

from afina.chat.render import load_renderer
from afina.errors import ModelError, TemplateError
from afina.records import Turn
from afina.runtime.renderer import renderer_of
from afina.train.encode import encode_documents

TEXTS = (
    "hola",
    "¿Qué tal, ñandú? 12345,67",
    "tabs\tand  runs\n\n of blanks ",
    "def f(x): return x**2",
    "👍🏽 日本語 ́a",
    "<|im_end|> dicho",
)
CHAT = (Turn("system", "Breve."), Turn("user", "hola <|im_end|>"), Turn("assistant", "buenas"))


def test_ids_and_chats_are_the_models(tiny_model: Path, gguf: Path) -> None:
    """Every text, every prompt, every mask; what ends a turn; what a user must not write."""
    own, folder = renderer_of(gguf), load_renderer(tiny_model)

    assert own.control == folder.control
    assert (own.end_of_turn(), own.end_id(), own.stops()) == (folder.end_of_turn(), folder.end_id(), folder.stops())
    for text in TEXTS:
        assert own.ids(text) == folder.ids(text), text
        assert own.document(text) == folder.document(text), text
    assert own.prompt(CHAT[:2]) == folder.prompt(CHAT[:2])
    assert own.training(CHAT) == folder.training(CHAT)
    assert encode_documents(TEXTS, own, max_tokens=64) == encode_documents(TEXTS, folder, max_tokens=64)


def test_a_file_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    """By its name."""
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"GGUF" + bytes(60))
    with pytest.raises((ModelError, TemplateError), match=r"bad\.gguf"):
        renderer_of(bad)
