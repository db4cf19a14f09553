"""Ollama's templates are rendered as Go would: what they use, in the published forms."""

import pytest

from afina.chat.go_template import execute, parse, render_ollama
from afina.errors import TemplateError
from afina.records import Turn

CHATML = """{{- range $i, $_ := .Messages }}
{{- $last := eq (len (slice $.Messages $i)) 1 }}
{{- if eq .Role "user" }}<|im_start|>user
{{ .Content }}<|im_end|>
{{ else if eq .Role "assistant" }}<|im_start|>assistant
{{ .Content }}{{ if not $last }}<|im_end|>
{{ end }}
{{- end }}
{{- if and (ne .Role "assistant") $last }}<|im_start|>assistant
{{ end }}
{{- end }}"""
OLD = """{{ if .System }}<|system|>
{{ .System }}<|end|>
{{ end }}{{ if .Prompt }}<|user|>
{{ .Prompt }}<|end|>
{{ end }}<|assistant|>
{{ .Response }}<|end|>
"""
TURNS = (Turn("user", "one"), Turn("assistant", "two"), Turn("user", "three"))


def test_a_template_with_messages() -> None:
    """A loop with index and item, a variable, conditions; only the last turn opens an answer."""
    wanted = "<|im_start|>user\none<|im_end|>\n<|im_start|>assistant\ntwo<|im_end|>\n<|im_start|>user\nthree<|im_end|>\n<|im_start|>assistant\n"

    assert render_ollama(CHATML, TURNS) == wanted


def test_an_older_template_a_question_and_its_answer_at_a_time() -> None:
    """And nothing behind the place of the answer."""
    chat = (Turn("system", "rule"), *TURNS)
    wanted = "<|system|>\nrule<|end|>\n<|user|>\none<|end|>\n<|assistant|>\ntwo<|end|>\n<|user|>\nthree<|end|>\n<|assistant|>\n"

    assert render_ollama(OLD, chat) == wanted


def test_an_older_template_without_a_place_for_the_answer() -> None:
    """Ollama adds one at the end."""
    assert render_ollama("[INST] {{ .Prompt }} [/INST]", TURNS) == "[INST] one [/INST]two[INST] three [/INST]"


@pytest.mark.parametrize(
    ("template", "wanted"),
    [
        ("{{/* a remark */}}a {{- /* and one */ -}} b", "ab"),
        ("{{ .N | printf `%v!` }}", "3!"),
        ("{{ if or .Empty .N }}y{{ else }}n{{ end }}", "y"),
        ("{{ if and .N .Empty }}y{{ else }}n{{ end }}", "n"),
        ("{{ with .Map }}{{ .key }}{{ $.N }}{{ end }}", "value3"),
        ("{{ range .List }}{{ if eq . 2 }}{{ continue }}{{ end }}{{ . }}{{ else }}none{{ end }}", "13"),
        ("{{ range .List }}{{ if eq . 2 }}{{ break }}{{ end }}{{ . }}{{ end }}", "1"),
        ("{{ range .None }}x{{ else }}none{{ end }}", "none"),
        ("{{ $a := 1 }}{{ range .List }}{{ $a = . }}{{ end }}{{ $a }}", "3"),
        ('{{ json .Map }}{{ index .List 1 }}{{ (index .Rows 0).x }}"{{ true }}', '{"key":"value"}27"true'),
        ("{{ range $k, $v := .Map }}{{ $k }}={{ $v }}{{ end }}", "key=value"),
        ('{{ "quo\\"te" }}{{ `raw\\n` }}{{ .Missing }}{{ .Map.missing.more }}', 'quo"teraw\\n'),
    ],
)
def test_what_templates_are_made_of(template: str, wanted: str) -> None:
    """Trims, pipelines, logic, loops, scopes, functions, literals."""
    values = {"N": 3, "Empty": "", "Map": {"key": "value"}, "List": [1, 2, 3], "Rows": [{"x": 7}]}

    assert execute(parse(template), values) == wanted


@pytest.mark.parametrize(
    ("template", "what"),
    [
        ("{{ if .A }}x", "does not close its 'if'"),
        ("x{{ end }}", "'end' without a block"),
        ("{{ block `a` . }}x{{ end }}", "not known|without a block"),
        ("{{ $x }}", r"\$x"),
        ("{{ len 3 }}", "cannot be rendered"),
        ("{{ #! }}", "is not read"),
    ],
)
def test_what_is_beyond_it_is_refused_by_name(template: str, what: str) -> None:
    """Never rendered otherwise without a word."""
    with pytest.raises(TemplateError, match=what):
        execute(parse(template), {"A": 1})
