"""Document 001's `config.yaml`."""

from pathlib import Path

import pytest

from afina.errors import SettingsError
from afina.roles.config import read_config

DOCUMENT = """\
roles:
  ba:
    provider: ollama
    model: qwen25-ba-finetuned:v1  # <- the local fine-tuned model
    temperature: 0.7
    max_tokens: 2048
    timeout: 120
  architect:
    provider: ollama
    model: qwen25-architect-finetuned:v1
pipeline:
  other: things
"""


def test_the_documents_file_loads_unchanged(tmp_path: Path) -> None:
    """With what a project keeps in it beside the roles."""
    (tmp_path / "config.yaml").write_text(DOCUMENT)
    found = read_config(tmp_path)
    assert found["ba"].source == "ollama:qwen25-ba-finetuned:v1"
    assert (found["ba"].temperature, found["ba"].max_tokens, found["ba"].timeout) == (0.7, 2048, 120)
    assert found["architect"].max_tokens is None


def test_no_file_says_nothing(tmp_path: Path) -> None:
    """Roles have what they were tuned to, or the base."""
    assert read_config(tmp_path) == {}


@pytest.mark.parametrize("text", ["", "# nothing\n", "roles: [admin]", "roles:\n", "[1]"])
def test_another_programs_file_is_left_alone(text: str, tmp_path: Path) -> None:
    """Its `roles` may be something else."""
    (tmp_path / "config.yaml").write_text(text)
    assert read_config(tmp_path) == {}


def test_any_address_may_answer(tmp_path: Path) -> None:
    """One that speaks OpenAI's protocol."""
    (tmp_path / "config.yaml").write_text("roles: {qa: {provider: openai, model: m, base_url: 'http://h:1/v1'}}")
    assert read_config(tmp_path)["qa"].source == "http://h:1/v1#m"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("roles: {ba: {provider: vertex, model: x}}", "roles.ba.provider"),
        ("roles: {ba: {provider: ollama}}", "roles.ba.model: not given"),
        ("roles: {ba: {provider: ollama, model: x, temprature: 1}}", "roles.ba.temprature: unknown key"),
        ("roles: {ba: {provider: openai, model: x}}", "roles.ba.base_url: not given"),
        ("roles: {ba: {provider: ollama, model: x, max_tokens: 1}}", "roles.ba.max_tokens"),
        ("roles: {ba: 3}", "roles.ba: "),
        ("roles: {ba: [", "config.yaml: "),
    ],
)
def test_what_is_wrong_is_named(text: str, said: str, tmp_path: Path) -> None:
    """Role and key."""
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(SettingsError) as error:
        read_config(tmp_path)
    assert said in str(error.value)
