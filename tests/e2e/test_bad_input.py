"""Bad input at the command line: one line that says what is wrong, an exit code, no traceback, and the next command works."""

import shutil
from pathlib import Path

import pytest

from afina.bases import semilla
from afina.demo.story import sample
from tests.e2e.conftest import run_afina

pytestmark = pytest.mark.e2e


def refused(folder: Path, *arguments: str, code: int = 1) -> str:
    """The error a command ends with."""
    done = run_afina(*arguments, cwd=folder, timeout=120)
    assert done.returncode == code, (done.stdout, done.stderr)
    assert "Traceback" not in done.stderr + done.stdout
    assert "internal error" not in done.stderr
    return done.stderr


LEARN = ["learn", "--text", "text", "--label", "label", "--data"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b"text,other\na,b\n", "no column 'label'"),
        (b"text,label\n" + b"".join(f"m {i},x\n".encode() for i in range(50)), "nothing to tell apart"),
        (b"text,label\nuno,x\ndos,y\ntres,x\n", "3 usable examples"),
        (b"text,label\n\xff\xfe,x\n", "line 2: not UTF-8"),
    ],
)
def test_learn_refuses(folder: Path, content: bytes, words: str) -> None:
    """Each with file and line."""
    (folder / "d.csv").write_bytes(content)

    assert words in refused(folder, *LEARN, "d.csv")


def test_a_line_of_200_mb(folder: Path) -> None:
    """Refused without reading it whole."""
    with (folder / "big.jsonl").open("wb") as file:
        file.write(b'{"text": "')
        for _ in range(200):
            file.write(b"x" * 1_000_000)

    assert "line 1: longer than" in refused(folder, *LEARN, "big.jsonl")
    (folder / "big.jsonl").unlink()


def test_projects_and_models(folder: Path) -> None:
    """Unknown key, duplicate ids, a model without a tokenizer, an unknown model; then everything works."""
    place = folder / "project"
    place.mkdir()
    assert "afina init" in refused(place, "status")
    (place / "afina.toml").write_text("[base]\nmodell = 'x'\n", "utf-8")
    assert "base.modell: unknown key" in refused(place, "status")
    (place / "afina.toml").write_text("", "utf-8")
    (place / "c.csv").write_text("id,text,sentiment,topic,intent\n1,a,b,c,d\n1,a,b,c,d\n", "utf-8")
    assert "line 3: the id '1' is already on line 2" in refused(place, "import", "c.csv")
    bare = folder / "bare"
    shutil.copytree(semilla.FOLDER, bare)
    (bare / "tokenizer.json").unlink()
    (folder / "x.jsonl").write_text(
        '{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}', "utf-8"
    )
    assert "no tokenizer" in refused(folder, "train", "--model", "bare", "--data", "x.jsonl", "--output", "o")
    assert "neither `semilla`" in refused(
        folder, "train", "--model", "nobody/none", "--data", "x.jsonl", "--output", "o"
    )
    (folder / "half.gguf").write_bytes(b"GGUF\x03\x00\x00\x00")
    assert "cut short" in refused(folder, "parity", "--model", "semilla", "--gguf", "half.gguf")

    done = run_afina("import", str(sample("corrections.csv")), "--json", cwd=place)

    assert done.returncode == 0, done.stderr
    assert '"added": 780' in done.stdout
    assert run_afina("down", cwd=place).returncode == 0


def test_spanish(folder: Path) -> None:
    """The same command in Spanish."""
    done = run_afina("--lang", "es", "--help", cwd=folder)

    assert "levantar" in done.stdout or "iniciar" in done.stdout or "base de datos" in done.stdout
