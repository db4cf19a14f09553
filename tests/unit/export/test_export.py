"""Tensor types and the Modelfile."""

from dataclasses import replace

import pytest
from transformers import AutoTokenizer

from afina.bases import semilla
from afina.chat.render import Renderer, load_renderer
from afina.errors import ExportError
from afina.export.modelfile import Source, write_modelfile
from afina.export.parity import Parity, require_parity


def test_golden_modelfile() -> None:
    """Template, stop token and document 001's sampling values."""
    text = write_modelfile(Source("./m-q8_0.gguf"), load_renderer(semilla.FOLDER), system="Clasifica.", adds_bos=False)

    assert text == (
        "FROM ./m-q8_0.gguf\n"
        'TEMPLATE """{{- range .Messages }}{{ if eq .Role "system" }}<|im_start|>system\n{{ .Content }}<|im_end|>\n'
        '{{ else if eq .Role "user" }}<|im_start|>user\n{{ .Content }}<|im_end|>\n'
        '{{ else if eq .Role "assistant" }}<|im_start|>assistant\n{{ .Content }}<|im_end|>\n'
        '{{ end }}{{ end }}<|im_start|>assistant\n"""\n'
        'SYSTEM """Clasifica."""\n'
        'PARAMETER stop "<|im_end|>"\n'
        "PARAMETER num_ctx 4096\nPARAMETER temperature 0.7\nPARAMETER top_p 0.9\nPARAMETER top_k 40\n"
    )


def test_an_unknown_template_is_not_guessed() -> None:
    """Better none than a wrong one."""
    tokenizer = AutoTokenizer.from_pretrained(semilla.FOLDER)
    tokenizer.chat_template = (
        "{% for m in messages %}[{{ loop.index }} {{ m.role }}]{{ m.content }}<|im_end|>{% endfor %}"
    )

    assert 'TEMPLATE """' not in write_modelfile(Source("./m.gguf"), Renderer(tokenizer), system="", adds_bos=False)


NEARLY = Parity(
    prompts=3,
    templates_equal=3,
    token_ids_equal=9,
    token_checks=9,
    max_difference=0.001,
    mean_divergence=0.0,
    compared=9,
    argmax_equal=9,
    limit=0.005,
    divergence_limit=0.001,
    stops=True,
    adds_bos=False,
    tokens_per_s=0.0,
    passed=False,
)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (replace(NEARLY, templates_equal=2), "template renders 1 of 3"),
        (replace(NEARLY, token_ids_equal=8), "1 of 9 texts are split"),
        (replace(NEARLY, max_difference=0.2), "differ by up to 0.2000"),
        (replace(NEARLY, stops=False), "does not stop at the token"),
    ],
)
def test_a_refusal_says_which_comparison_failed(found: Parity, words: str) -> None:
    """And a passing one is no refusal."""
    with pytest.raises(ExportError, match=words):
        require_parity(found, quantisation="f32")
    require_parity(replace(NEARLY, passed=True), quantisation="f32")
