"""Candidate bases."""

from pathlib import Path
from typing import Any

from afina.evaluate.sets import make_set
from afina.flows.bench_models import Constraints, as_markdown, file_name, pick_winner, set_default_base, source_of
from afina.records import EvalItem, Turn


def row(score: float, *, speed: float | None = 20.0, ram: float | None = 4000.0, yaml: float = 0.9) -> dict[str, Any]:
    """One model's figures."""
    return {
        "avg_score": score,
        "tokens_per_sec": speed,
        "ram_usage_mb": ram,
        "yaml_valid_rate": yaml,
        "completeness": None,
        "items": 25,
        "failed": 0,
    }


def test_the_best_score_that_meets_the_constraints_wins() -> None:
    """The document's: over 0.65, 80 % YAML, 10 tokens/s, under 8 GB; what is not known meets none."""
    found = {
        "slow": row(0.9, speed=9.0),
        "big": row(0.9, ram=8200.0),
        "prose": row(0.9, yaml=0.5),
        "unknown": row(0.95, ram=None),
        "good": row(0.72),
        "better": row(0.8),
        "poor": row(0.6),
    }

    assert pick_winner(found, Constraints()) == "better"
    assert pick_winner(found, Constraints(ram_mb=0)) == "unknown"
    assert pick_winner({"poor": row(0.6)}, Constraints()) == ""
    assert Constraints().unmet(row(0.6, speed=None)) == [
        "avg_score 0.6 (asked: 0.65)",
        "tokens_per_sec None (asked: 10)",
    ]


def test_the_report_names_winner_reasons_and_failures() -> None:
    """Best first."""
    eval_set = make_set("ba", [EvalItem(id="1", turns=(Turn("user", "?"),))])
    text = as_markdown(
        {"a": row(0.7), "b": row(0.9, speed=3.0)}, {"c": "no such file"}, Constraints(), metric="m", eval_set=eval_set
    )

    assert text.index("| b |") < text.index("| **a** |")
    assert "tokens_per_sec 3.0 (asked: 10)" in text
    assert "| c | could not be asked: no such file |" in text
    assert text.endswith("Winner: **a**.\n")


def test_names_become_sources_and_files() -> None:
    """Two files of one name keep apart."""
    assert source_of("ollama:qwen2.5:3b-instruct") == "http://127.0.0.1:11434/v1#qwen2.5:3b-instruct"
    assert source_of("Qwen/Qwen2.5-3B-Instruct") == "Qwen/Qwen2.5-3B-Instruct"
    assert file_name("a/model.gguf") != file_name("b/model.gguf")
    assert "/" not in file_name("http://x/v1#m")


def test_the_winner_becomes_the_projects_base(tmp_path: Path) -> None:
    """Comments and all else stay."""
    file = tmp_path / "afina.toml"
    file.write_text('# ours\n[base]\nmodel = "semilla"  # for now\n[serve]\nport = 1\n', "utf-8")

    assert set_default_base(file, 'a\\b"c') == '# ours\n[base]\nmodel = "a\\\\b\\"c"  # for now\n[serve]\nport = 1\n'
    file.write_text("", "utf-8")
    assert set_default_base(file, "x") == '[base]\nmodel = "x"\n'
