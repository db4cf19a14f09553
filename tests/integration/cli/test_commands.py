"""Every command, in this process, on a project with a tiny model."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from afina.cli import main as main_module
from afina.cli import serve
from afina.cli.main import COMMANDS, root
from afina.errors import AfinaError, InputError, RuntimeFailedError, SettingsError, StoreError
from afina.flows.project import Project
from tests.integration.flows.test_wheel import write_sample

TOML = """
[store]
url = "{url}"
[base]
model = "{model}"
[train.lora]
r = 4
[train.training]
num_epochs = 1
batch_size = 32
gradient_accumulation_steps = 1
learning_rate = 1e-3
max_seq_length = 256
[evaluate]
guards = false
nearest = 1
[runtime]
context = 256
slots = 2
"""


@pytest.fixture
def folder(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: a project."""
    text = TOML.format(url=project.settings.store.url, model=project.settings.base.model)
    (tmp_path / "afina.toml").write_text(text, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def afina(*arguments: str, code: int = 0, **options: Any) -> Result:
    """Run a command; errors come through as exceptions."""
    result = CliRunner().invoke(root, list(arguments), **options)
    if isinstance(result.exception, AfinaError):
        raise result.exception
    assert result.exit_code == code, (result.output, result.exception)
    return result


def value(*arguments: str, code: int = 0) -> Any:
    """A command's JSON."""
    return json.loads(afina(*arguments, "--json", code=code).stdout)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_help_that_teaches(name: str) -> None:
    """More than its usage line."""
    assert len(afina(name, "--help").output) > 80


def test_the_wheel_by_hand(folder: Path) -> None:
    """Each stage as a person would type it, with JSON where a script would read it."""
    write_sample(folder / "c.csv")

    assert value("import", "c.csv")["added"] == 120
    assert value("curate")["kept"] == 120
    dataset = value("freeze")["dataset"]
    run = value("train")["run"]
    version = value("export")
    report = value("evaluate", code=1)
    assert report["tasks"][0]["dataset"] == dataset
    assert afina("report").output.count("verdict") == 1
    assert "macro-F1" in afina("evaluate", code=1).output
    afina("report", "--html", "r.html")
    page = (folder / "r.html").read_text("utf-8")
    assert "<svg" in page
    assert "http" not in page.replace("http://www.w3.org", "").replace("https://matplotlib", "").replace(
        "http://purl.org", ""
    ).replace("http://creativecommons.org", "")
    assert [v["name"] for v in value("models")] == [version["name"]]
    assert version["name"] in afina("models").output
    with pytest.raises(AfinaError, match="no-go"):
        afina("release")
    assert value("release", "--direct")["state"] == "production"
    assert value("release", "--history")[0]["to_state"] == "production"
    assert "production" in afina("release", "--history").output
    status = value("status")
    assert status["dataset"] == dataset
    assert status["live"] == [{"name": version["name"], "canary": False, "share": 1.0}]
    assert version["name"] in afina("status").output
    half = folder / ".afina" / "runs" / ".run_x.partial"
    half.mkdir()
    assert ".run_x" not in afina("gc", "--dry-run").output  # young: its command may still be at work
    os.utime(half, (0, 0))
    assert ".run_x" in afina("gc", "--dry-run").output
    assert run not in afina("gc").output
    assert not half.exists()


def test_training_can_be_queued(folder: Path) -> None:
    """It leaves a planned run for a worker."""
    write_sample(folder / "c.csv")
    for command in (["import", "c.csv"], ["curate"], ["freeze"]):
        afina(*command)

    assert "afina worker" in afina("train", "--queue").output


def test_review_accepts_corrects_skips_and_ends(folder: Path, project: Project) -> None:
    """Enter keeps what the model said; text corrects it."""
    assert "nothing to review" in afina("review").output
    with project.session() as session:
        for i in range(4):
            session.execute(
                "INSERT INTO app.interactions (id, client_id, external_id, task, source, text, answer, confidence) "
                "VALUES (%s, 'default', %s, 'classify', 's', 'hola', %s, %s)",
                (f"int_{i}", str(i), '{"sentiment": "neutral", "topic": "pago", "intent": "x"}', i / 10),
            )

    output = afina("review", "--reviewer", "ana", input="\n\n\n" + "\nenvio\n\n" + "s\n" + "q\n").output

    assert "2 reviewed" in output
    with project.session() as session:
        rows = session.execute(
            "SELECT interaction_id, kind, value ->> 'topic' AS topic, reviewer FROM app.feedback ORDER BY 1"
        ).fetchall()
    assert [(r["interaction_id"], r["kind"], r["topic"], r["reviewer"]) for r in rows] == [
        ("int_0", "accepted", "pago", "ana"),
        ("int_1", "corrected", "envio", "ana"),
    ]


def test_files_to_files(folder: Path, project: Project) -> None:
    """Train, export and parity on plain files."""
    chats = [
        {"messages": [{"role": "user", "content": f"m {i}"}, {"role": "assistant", "content": "sí"}]} for i in range(8)
    ]
    (folder / "d.jsonl").write_text("\n".join(map(json.dumps, chats)), "utf-8")
    (folder / "c.yaml").write_text("training:\n  num_epochs: 1\nlora:\n  r: 2\n", "utf-8")
    model = project.settings.base.model

    result = value(
        "train",
        "--model",
        model,
        "--data",
        "d.jsonl",
        "--validation",
        "d.jsonl",
        "--config",
        "c.yaml",
        "--output",
        "run",
    )
    card = value("export", "--model", model, "--adapter", result["adapter"], "--quant", "f32", "--out", "m.gguf")
    assert card["parity"]["f32"]["passed"]
    assert value("parity", "--model", model, "--gguf", "m.gguf", code=3)["passed"] is False


def test_documents_rates_and_a_further_adapter(folder: Path, project: Project) -> None:
    """Documents, then chats on top; a rate from short runs; training goes on from the adapter; wrong uses are told."""
    chats = [
        {"messages": [{"role": "user", "content": f"m {i}"}, {"role": "assistant", "content": "sí"}]} for i in range(12)
    ]
    (folder / "d.jsonl").write_text("\n".join(map(json.dumps, chats)), "utf-8")
    (folder / "texts").mkdir()
    (folder / "texts" / "a.txt").write_text("El pedido llegó el lunes. " * 20, "utf-8")
    (folder / "c.yaml").write_text("training:\n  num_epochs: 1\n  max_seq_length: 64\nlora:\n  r: 2\n", "utf-8")
    common = ("train", "--model", project.settings.base.model, "--config", "c.yaml")

    both = value(*common, "--documents", "texts", "--data", "d.jsonl", "--output", "both")
    assert Path(both["adapter"]) == Path("both/adapter")
    assert both["documents"]["steps"] >= 1
    rates = value(*common, "--data", "d.jsonl", "--find-rate", "--rate-steps", "2")
    assert rates["best"] in {trial["rate"] for trial in rates["trials"]}
    on = value(*common, "--data", "d.jsonl", "--adapter", "both/adapter", "--output", "on")
    assert on["steps"] == 2
    assert "needs --output" in afina(*common, "--data", "d.jsonl", code=2).output
    assert "needs --model" in afina("train", "--documents", "texts", code=2).output


def write_scores(path: Path, scores: list[float], **more: str) -> None:
    """A score file."""
    path.write_text("\n".join(json.dumps({"id": i, "score": s, **more}) for i, s in enumerate(scores)), "utf-8")


def test_the_verdict_on_score_files(folder: Path) -> None:
    """0 go, 1 no-go, 2 cannot tell; a guard by name; less may be better; people get a table."""
    write_scores(folder / "a.jsonl", [0, 1] * 20)
    write_scores(folder / "b.jsonl", [1, 1] * 20)
    files = ("verdict", "--a", "a.jsonl", "--b", "b.jsonl")

    assert value(*files)["wins"] == 20
    assert value("verdict", "--a", "b.jsonl", "--b", "a.jsonl", code=1)["outcome"] == "no-go"
    assert value(*files, "--min-items", "50", code=2)["outcome"] == "cannot tell"
    assert value(*files, "--lower-is-better", "score", code=1)["go"] is False
    said = afina(*files).output
    assert "B is better than A on score." in said
    assert "  difference: +0.5\n" in said, "where there is no room for a table no figure is cut"
    assert value(*files, "--lower-is-better", "score", code=1)["comparisons"][0]["b"] == 1.0, "in the file's own sign"
    assert "every metric is a guard" in afina(*files, "--guard", "score=0.1", code=65).output
    assert "is not METRIC=MARGIN" in afina(*files, "--guard", "score", code=65).output


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ('{"score": 1}', "line 1: `id`: not given"),
        ('{"id": 1}', "line 1: `score`: not given"),
        ('{"id": 1, "score": NaN}', "line 1: NaN is no number"),
        (
            '{"id": 1, "score": 1}\n{"id": 1, "score": 0}',
            "line 2: the item '1' of score is there already: b.jsonl, line 1",
        ),
        ('{"id": 2, "score": 1}', "1 items of score are missing: '2'"),
        ('{"id": 1, "score": 1, "metric": "f1"}', "the metric 'f1' is in b.jsonl only"),
        ('{"id": 1, "score": 1, "group": "u"}', "is in group None of A, 'u' of B"),
    ],
)
def test_score_files_with_mistakes(folder: Path, rows: str, words: str) -> None:
    """Named by line or item; never a go or a no-go."""
    (folder / "a.jsonl").write_text('{"id": 1, "score": 1}', "utf-8")
    (folder / "b.jsonl").write_text(rows, "utf-8")

    said = " ".join(afina("verdict", "--a", "a.jsonl", "--b", "b.jsonl", code=65).output.split())
    assert words in said


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"messages": []}, "`messages`: List should have at least 1 item"),
        ({"messages": [{"role": "robot", "content": "x"}]}, r"`messages\[0\].role`: Input should be"),
        (
            {"messages": [{"role": "user", "content": 3}]},
            r"`messages\[0\].content`: Input should be a valid string, not 3",
        ),
    ],
)
def test_chats_with_mistakes(folder: Path, project: Project, row: dict[str, Any], words: str) -> None:
    """Named by line."""
    (folder / "d.jsonl").write_text(json.dumps(row), "utf-8")

    with pytest.raises(InputError, match=words):
        afina("train", "--model", project.settings.base.model, "--data", "d.jsonl", "--output", "run")


def test_init_does_not_overwrite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And outside a project the commands say what to do."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError) as caught:
        afina("status")
    assert "afina init" in caught.value.remedy
    assert "corrections" in afina("recipes").output
    afina("init", "--recipe", "chat")
    assert 'kind = "chat"' in (tmp_path / "afina.toml").read_text("utf-8")
    with pytest.raises(SettingsError, match="is there already"):
        afina("init")


def test_doctor_finds_this_machine_fit(folder: Path) -> None:
    """All parts are installed."""
    checks = {c["check"]: c["ok"] for c in value("doctor")}

    assert checks["torch"]
    assert checks["postgresql"]
    assert checks["quantisations"]
    assert {"browser", "model 0.5B", "model 3B", "model 7B", "model 14B"} <= checks.keys()
    assert "processor" in afina("doctor").output


def test_up_and_down_of_an_external_database(folder: Path) -> None:
    """There is nothing of ours to stop."""
    assert "external database" in afina("up").output
    assert "was not running" in afina("down").output


def test_a_taken_port_is_said() -> None:
    """With what to do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(RuntimeFailedError) as caught:
            serve.listen("127.0.0.1", taken.getsockname()[1])
    assert "--port 0" in caught.value.remedy


def test_chat_without_a_gateway(folder: Path) -> None:
    """Says how to start one."""
    with pytest.raises(RuntimeFailedError, match="no gateway"):
        afina("chat", "--url", "http://127.0.0.1:9", "hola")


def test_usage_mistakes(folder: Path) -> None:
    """Exit code 2 and a hint."""
    afina("nonsense", code=2)
    afina("train", "--model", "x", code=2)
    afina("export", "--model", "x", code=2)
    afina("learn", code=2)


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (StoreError("broken", remedy="mend it"), 1, "mend it"),
        (OSError(28, "No space left on device"), 1, "No space left"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (ZeroDivisionError("oops"), 70, "--debug"),
    ],
)
def test_errors_become_one_line_and_an_exit_code(
    error: BaseException, code: int, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No traceback without --debug."""

    def fail(**_options: object) -> None:
        raise error

    monkeypatch.setattr(root, "main", fail)
    monkeypatch.setattr("sys.argv", ["afina", "status"])
    monkeypatch.setattr(main_module, "quiet_libraries", lambda: None)

    with pytest.raises(SystemExit) as ended:
        main_module.run()

    assert ended.value.code == code
    shown = capsys.readouterr().err
    assert words in shown
    assert "Traceback" not in shown


def test_base_build_and_pull(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two steps of pretraining write a whole folder; a pull without network says what to do."""
    out = tmp_path / "base"
    afina("base", "build", "--out", str(out), "--steps", "2")
    assert {p.name for p in out.iterdir()} >= {
        "model.safetensors",
        "tokenizer.json",
        "chat_template.jinja",
        "card.json",
    }
    assert str(out) in afina("base", "pull", str(out)).output
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(AfinaError, match="cannot be reached"):
        afina("base", "pull", "nobody/nothing")


def test_a_turn_is_scored_line_by_line(tmp_path: Path) -> None:
    """The document's quality and success; a row without its texts is named."""
    file = tmp_path / "turns.jsonl"
    rows = [
        {"user": "precio?", "bot": "10", "next": "me lo llevo"},
        {"user": "precio?", "bot": "10", "next": "no gracias"},
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")

    scored = [json.loads(line) for line in afina("score-turn", str(file)).output.splitlines()]

    assert [(s["quality"], s["success"], s["category"]) for s in scored] == [
        (5, True, "consulta_precio"),
        (1, False, "consulta_precio"),
    ]
    file.write_text('{"user": "a", "next": "b"}\n', "utf-8")
    with pytest.raises(InputError, match=r"line 1: `bot`: not given"):
        afina("score-turn", str(file))


def test_turns_come_from_standard_input_too() -> None:
    """In a pipe."""
    line = json.dumps({"user": "precio?", "bot": "10", "next": "gracias"})
    done = subprocess.run(
        [sys.executable, "-m", "afina", "score-turn", "-"], input=line, capture_output=True, text=True, check=True
    )

    assert json.loads(done.stdout)["quality"] == 5
