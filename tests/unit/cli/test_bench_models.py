"""The settings of a comparison of bases."""

from pathlib import Path

import pytest

from afina.cli.bench_models import sections_of


def test_a_role_is_measured_as_it_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its answers have the tokens, the time and the context that they have at work: cut off they would rank bases by their length."""
    monkeypatch.chdir(tmp_path)
    given = {"quant": "q8_0", "max_tokens": None, "role": "qa"}
    found = sections_of(given)
    assert (found["evaluate"], found["runtime"]["context"]) == ({"max_tokens": 1600, "timeout_s": 240}, 4096)
    assert sections_of({**given, "max_tokens": 300})["evaluate"]["max_tokens"] == 300
    assert sections_of({**given, "role": ""}) == {
        "export": {"quantisation": "q8_0"},
        "evaluate": {"max_tokens": 1024},
    }
