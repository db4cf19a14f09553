"""What tests of commands share."""

from pathlib import Path

import pytest

from tests.integration.roles import note_role


@pytest.fixture
def note_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a small role of its own."""
    monkeypatch.delenv("LOCAL_BASE_MODEL", raising=False)
    monkeypatch.chdir(tmp_path)
    note_role(tmp_path)
    return tmp_path
