"""What a base's name may be."""

from pathlib import Path

import pytest

from afina.bases import resolve_base
from afina.errors import ModelError


def test_a_file_is_its_own_base(tmp_path: Path) -> None:
    """By its path, whole; what is not there or something else is refused by name."""
    (tmp_path / "m.gguf").write_bytes(b"GGUF and more")
    assert resolve_base(str(tmp_path / "m.gguf")) == tmp_path / "m.gguf"
    with pytest.raises(ModelError, match=r"x\.gguf: no such file"):
        resolve_base(str(tmp_path / "x.gguf"))
    (tmp_path / "z.gguf").write_bytes(b"PK")
    with pytest.raises(ModelError, match=r"z\.gguf: not a GGUF file") as caught:
        resolve_base(str(tmp_path / "z.gguf"))
    assert "ollama:NAME" in caught.value.remedy


def test_an_unknown_name_says_what_there_is_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where to pull it, what else to name."""
    monkeypatch.setenv("AFINA_HOME", str(tmp_path))
    with pytest.raises(ModelError, match="neither `semilla`, nor a folder") as caught:
        resolve_base("nobody/nothing")
    assert "afina base pull nobody/nothing" in caught.value.remedy
    assert "afina base list" in caught.value.remedy
