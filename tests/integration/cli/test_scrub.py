"""`afina scrub`: JSONL in, JSONL out."""

import json
from pathlib import Path

from click.testing import CliRunner, Result

from afina.cli.scrub import scrub_command

TEXT = "soy Camila Flores, rut 18.972.631-7, pagué $45.990"


def run(*flags: str, given: str = "") -> Result:
    """The command as a person calls it."""
    return CliRunner().invoke(scrub_command, flags, input=given)


def rows(result: Result) -> list[dict[str, object]]:
    """What it printed."""
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_row_keeps_its_columns_and_says_where_what_was_found(tmp_path: Path) -> None:
    """Offsets are those of the text before."""
    file = tmp_path / "a.jsonl"
    file.write_text(json.dumps({"id": 7, "text": TEXT}) + "\n")
    [row] = rows(run(str(file)))
    found = row["findings"]

    assert (row["id"], row["text"]) == (7, "soy [PERSON], rut [RUT], pagué $45.990")
    assert isinstance(found, list)
    assert [(one["type"], TEXT[one["start"] : one["end"]]) for one in found] == [
        ("PERSON", "Camila Flores"),
        ("RUT", "18.972.631-7"),
    ]
    assert "Camila" not in json.dumps(found)


def test_messages_are_scrubbed_one_by_one(tmp_path: Path) -> None:
    """Whole conversations, as they are exported."""
    file = tmp_path / "a.jsonl"
    file.write_text(
        json.dumps({"messages": [{"role": "user", "content": TEXT}, {"role": "tool", "content": None}]}) + "\n"
    )
    [row] = rows(run(str(file)))

    assert row["messages"] == [
        {"role": "user", "content": "soy [PERSON], rut [RUT], pagué $45.990"},
        {"role": "tool", "content": None},
    ]


def test_pseudonyms_and_back(tmp_path: Path) -> None:
    """With the key and the vault, byte for byte."""
    key, vault, file, out = (tmp_path / name for name in ("k", "v.jsonl", "a.jsonl", "b.jsonl"))
    key.write_bytes(b"k" * 32)
    file.write_text(json.dumps({"text": TEXT}) + "\n")
    flags = ["--key-file", str(key), "--vault", str(vault)]
    out.write_text(run(str(file), "--policy", "pseudonymise", *flags).stdout)

    assert "Camila" not in out.read_text()
    assert rows(run(str(out), "--restore", *flags))[0]["text"] == TEXT


def test_what_cannot_be_done_is_said_before_anything_is(tmp_path: Path) -> None:
    """Pseudonyms without a key, a type that there is not, a row without a text."""
    file = tmp_path / "a.jsonl"
    file.write_text('{"text": "x"}\n{"other": 1}\n')

    assert "pseudonyms need a key" in str(run(str(file), "--policy", "pseudonymise").exception)
    assert "not TYPE=ACTION" in str(run(str(file), "--type", "NAME=mask").exception)
    assert "line 2" in str(run(str(file)).exception)


def test_a_summary_counts(tmp_path: Path) -> None:
    """For a first look at a file."""
    file = tmp_path / "a.txt"
    file.write_text(TEXT)

    assert rows(run(str(file), "--summary")) == [{"PERSON": 1, "RUT": 1}]
