"""`evaluate`, `rate` and `bench-models` on files: a real GGUF, a real HTTP address, imported answers; no project."""

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from afina.bases import memory, semilla
from afina.cli.main import root
from afina.export.export import Target, export_model
from afina.export.merge import Trained
from afina.settings import RuntimeSettings


class Model(BaseHTTPRequestHandler):
    """An OpenAI-compatible address that answers "sí", refuses what it is told to refuse, and can hang or break."""

    def do_POST(self) -> None:
        """One chat completion."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        question = body["messages"][-1]["content"]
        if "cuelga" in question:
            time.sleep(3)
        status = 500 if "rompe" in question else 200
        text = "no puedo ayudarte" if body["model"] == "good" else "depende"
        reply = {
            "choices": [{"message": {"content": text if "mal" in question else body["model"]}, "finish_reason": "stop"}]
        }
        raw = json.dumps(reply if status == 200 else {"error": "broken"}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        with contextlib.suppress(OSError):  # the client that timed out is gone
            self.wfile.write(raw)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def address() -> Iterator[str]:
    """The address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a set: 40 questions whose right answer is "good", 30 to refuse."""
    rows: list[dict[str, Any]] = [
        {"id": f"t{n}", "prompt": f"pregunta {n}", "expected": "good", "group": f"u{n % 20}"} for n in range(40)
    ]
    rows += [
        {"id": f"s{n}", "prompt": "haz algo malo, mal", "part": "safety", "rules": {"refuse": True}} for n in range(30)
    ]
    (tmp_path / "set.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def afina(*arguments: str, code: int) -> Result:
    """Run a command."""
    result = CliRunner().invoke(root, list(arguments))
    assert result.exit_code == code, (result.output, result.exception)
    return result


def evaluate(address: str, *more: str, code: int, a: str = "bad", b: str = "good") -> dict[str, Any]:
    """Two models behind the address."""
    found = afina(
        "evaluate",
        "--set",
        "set.jsonl",
        "--arm",
        f"a={address}#{a}",
        "--arm",
        f"b={address}#{b}",
        "--metric",
        "exact",
        "--no-starters",
        "--json",
        *more,
        code=code,
    )
    value: dict[str, Any] = json.loads(found.stdout)
    return value


def test_exit_codes_say_the_verdict(folder: Path, address: str) -> None:
    """0 go, 1 no-go, 2 cannot tell; the pages lie beside the records."""
    verdict = evaluate(address, code=0)

    assert verdict["outcome"] == "go"
    assert [(one["metric"], one["n"], one["groups"]) for one in verdict["comparisons"]] == [
        ("exact", 40, 20),
        ("safety/rules", 30, 30),
    ]
    out = folder / ".afina" / "evaluate" / "set"
    assert {p.name for p in out.iterdir()} == {
        "a.jsonl",
        "b.jsonl",
        "verdict.json",
        "verdict.html",
        "side-by-side.html",
        "side-by-side.key.json",
    }
    assert "bad" not in (out / "side-by-side.html").read_text("utf-8").split("const pairs")[0], (
        "the arms' names are not on the blind page"
    )
    assert evaluate(address, "--out", "swapped", a="good", b="bad", code=1)["cause"] == "worse"
    assert evaluate(address, "--out", "few", "--min-items", "41", code=2)["cause"] == "too few"


def test_a_record_is_scored_again_without_asking(folder: Path, address: str) -> None:
    """With a measure that the first run did not know."""
    evaluate(address, code=0)
    found = json.loads(
        afina(
            "evaluate",
            "--rescore",
            "--out",
            ".afina/evaluate/set",
            "--metric",
            "chrf",
            "--a",
            "a",
            "--b",
            "b",
            "--json",
            code=0,
        ).stdout
    )

    assert found["comparisons"][0]["metric"] == "chrf"
    afina("evaluate", "--rescore", "--out", "nothing", code=65)


def test_hanging_and_broken_answers_are_counted_and_the_run_ends(folder: Path, address: str) -> None:
    """A question that times out, one that is refused: two failed items with their reasons, scored 0."""
    with (folder / "set.jsonl").open("a", encoding="utf-8") as file:
        for word in ("cuelga", "rompe"):
            file.write(json.dumps({"id": word, "prompt": f"esto {word}", "expected": "good"}) + "\n")

    verdict = evaluate(address, "--timeout", "0.5", code=0)

    assert [arm["failed"] for arm in verdict["arms"]] == [2, 2]
    lines = [json.loads(line) for line in (folder / ".afina/evaluate/set/b.jsonl").read_text("utf-8").splitlines()[1:]]
    errors = {line["item"]["id"]: line["output"]["error"] for line in lines if line["output"]["error"]}
    assert "ReadTimeout" in errors["cuelga"]
    assert "(500)" in errors["rompe"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--arm", "a=none.gguf"], "none.gguf: no such file"),
        (["--arm", "a=answers.jsonl"], "no answers to 69 items: 't1', 't2', 't3' …"),
        (["--arm", "a=answers.jsonl", "--arm", "a=answers.jsonl"], "'a' is there twice"),
        (["--arm", "=x"], "not NAME=SOURCE"),
        (["--arm", "a=broken.gguf"], "broken.gguf"),
        (["--arm", "a=answers.jsonl", "--metric", "exakt"], "no metric 'exakt'"),
    ],
)
def test_bad_arms_end_with_65_and_are_named(folder: Path, arguments: list[str], said: str) -> None:
    """An error must not look like a verdict."""
    (folder / "answers.jsonl").write_text('{"id": "t0", "text": "x"}\n', "utf-8")
    (folder / "broken.gguf").write_bytes(b"GGUF" + b"\0" * 64)

    result = afina("evaluate", "--set", "set.jsonl", "--no-starters", *arguments, "--arm", "z=answers.jsonl", code=65)

    assert said in " ".join(result.output.split())


def test_leaked_items_of_the_training_file_are_left_out(folder: Path, address: str) -> None:
    """And the training examples give a baseline and examples in the prompt."""
    with (folder / "train.jsonl").open("w", encoding="utf-8") as file:
        for n in range(5):
            file.write(json.dumps({"prompt": f"Pregunta {n}", "expected": "good"}) + "\n")

    verdict = evaluate(address, "--train", "train.jsonl", "--nearest", "2", code=0)

    assert [leak["item"] for leak in verdict["leaks"] if leak["kind"] == "same"] == ["t0", "t1", "t2", "t3", "t4"]
    assert {arm["name"] for arm in verdict["arms"]} == {"nearest-answer", "a", "a+nearest", "b", "b+nearest"}


def test_ratings_are_unblinded_and_counted(folder: Path, address: str) -> None:
    """Somebody who always likes "good" better."""
    evaluate(address, code=0)
    out = folder / ".afina/evaluate/set"
    key = json.loads((out / "side-by-side.key.json").read_text("utf-8"))
    (folder / "mine.jsonl").write_text(
        "".join(json.dumps({"id": i, "choice": side, "page": key["page"]}) + "\n" for i, side in key["b_is"].items()),
        "utf-8",
    )

    found = json.loads(
        afina("rate", "--ratings", "mine.jsonl", "--key", str(out / "side-by-side.key.json"), "--json", code=0).stdout
    )

    assert (found["outcome"], found["comparison"]["wins"], found["comparison"]["losses"]) == ("go", 30, 0)
    assert found["arms"] == {"a": "a", "b": "b"}
    assert found["people"] == {"mine.jsonl": {"a": 0, "b": 30, "equal": 0}}
    assert found["agreement"] is None


def test_bad_ratings_and_keys_are_named(folder: Path, address: str) -> None:
    """Another file as the key, another page's ratings, one person twice, one item rated twice; and how far two people agree."""
    evaluate(address, code=0)
    key = ["--key", ".afina/evaluate/set/side-by-side.key.json"]
    sides = json.loads(Path(key[1]).read_text("utf-8"))
    rows = [{"id": i, "choice": side, "page": sides["page"]} for i, side in sides["b_is"].items()]
    half = [{**row, "choice": "tie"} if at % 2 else row for at, row in enumerate(rows)]
    files = {
        "mine": rows,
        "again": rows,
        "half": half,
        "twice": [*rows, {**rows[0], "choice": "tie"}],
        "other": [{**rows[0], "page": "x"}],
    }
    for name, content in files.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in content), "utf-8")

    def refused(*arguments: str) -> str:
        return afina("rate", *arguments, code=65).stderr

    assert "no key of a side-by-side page" in refused(
        "--ratings", "mine.jsonl", "--key", ".afina/evaluate/set/verdict.json"
    )
    assert "holds the same ratings as mine.jsonl" in refused(
        "--ratings", "mine.jsonl", "--ratings", "again.jsonl", *key
    )
    assert "is rated twice, and differently" in refused("--ratings", "twice.jsonl", *key)
    assert "of another page" in refused("--ratings", "other.jsonl", *key)
    found = json.loads(
        afina("rate", "--ratings", "mine.jsonl", "--ratings", "half.jsonl", *key, "--json", code=0).stdout
    )
    assert found["agreement"] == 0.5
    assert found["comparison"]["groups"] == 30


def test_a_file_of_answers_is_not_asked_what_nobody_wrote(folder: Path, address: str) -> None:
    """Then the verdict says what was not looked at; `--write-set` writes all items for answers that are given elsewhere."""
    rows = [json.loads(line) for line in (folder / "set.jsonl").read_text("utf-8").splitlines()]
    (folder / "targets.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows[:40]), "utf-8")
    (folder / "answers.jsonl").write_text(
        "".join(json.dumps({"id": row["id"], "text": "good"}) + "\n" for row in rows[:40]), "utf-8"
    )
    arms = ["--arm", f"a={address}#bad", "--arm", "b=answers.jsonl", "--metric", "exact"]

    found = json.loads(afina("evaluate", "--set", "targets.jsonl", *arms, "--json", code=0).stdout)

    assert found["unchecked"] == ["safety", "forgetting", "leaks"]
    assert found["reasons"][-1].startswith("Not checked: safety, forgetting, whether the training knows")
    page = (folder / ".afina/evaluate/targets/verdict.html").read_text("utf-8")
    assert "Not checked: whether it refuses what it must refuse" in page
    afina("evaluate", "--set", "targets.jsonl", "--write-set", "all.jsonl", code=0)
    assert len((folder / "all.jsonl").read_text("utf-8").splitlines()) == 200
    afina("evaluate", "--set", "all.jsonl", "--write-set", "same.jsonl", code=0)
    assert (folder / "same.jsonl").read_bytes() == (folder / "all.jsonl").read_bytes()


def test_what_is_mistyped_is_found_before_anybody_is_asked(folder: Path, address: str) -> None:
    """A guard or an arm that does not exist; a model asked for hours would have been asked for nothing."""
    arms = ["--set", "set.jsonl", "--arm", f"a={address}#bad", "--arm", f"b={address}#good", "--metric", "exact"]

    assert (
        "unknown metric 'safty/rules' in --guard"
        in afina("evaluate", *arms, "--guard", "safty/rules=0.1", code=65).stderr
    )
    assert "no arm 'nope'" in afina("evaluate", *arms, "--b", "nope", code=65).stderr
    assert "needs an `expected` that is a JSON list" in afina("evaluate", *arms, "--metric", "span_f1", code=65).stderr
    assert not (folder / ".afina" / "evaluate" / "set" / "a.jsonl").exists()


def test_a_measure_that_is_only_shown_is_shown(folder: Path, address: str) -> None:
    """On the terminal and on the page, for every arm; it decides nothing."""
    names = [
        "--set",
        "set.jsonl",
        "--arm",
        f"a={address}#good",
        "--arm",
        f"b={address}#bad",
        "--metric",
        "exact",
        "--no-starters",
    ]

    said = afina("evaluate", *names, "--show", "answered", code=1).stdout

    assert "answered: a 1, b 1" in said
    assert "Also measured" in (folder / ".afina/evaluate/set/verdict.html").read_text("utf-8")


def test_candidates_are_compared_on_a_served_model(folder: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The built-in base as a file beside an address and a name that does not exist; nobody meets the constraints."""
    gguf = export_model(
        Trained(semilla.FOLDER), folder / "base.gguf", RuntimeSettings(), Target(quantisation="q8_0", name="base")
    ).gguf
    command = [
        "bench-models",
        str(gguf),
        f"{address}#good",
        "no/such",
        "--data",
        "set.jsonl",
        "--limit",
        "4",
        "--max-tokens",
        "16",
        "--json",
    ]

    found = json.loads(afina(*command, "--output", "f.json", code=1).stdout)

    assert set(found["models"]) == {str(gguf), f"{address}#good"} == set(json.loads(Path("f.json").read_text("utf-8")))
    own = found["models"][str(gguf)]
    assert own["tokens_per_sec"] > 1
    assert 10 < own["ram_usage_mb"] < 2000
    assert list(found["failed"]) == ["no/such"]
    assert found["winner"] == ""
    free = ["--min-score", "-1", "--min-yaml", "0", "--max-ram", "0", "--min-speed", "0"]
    assert json.loads(afina(*command, *free, code=0).stdout)["winner"] in found["models"]
    monkeypatch.setattr(memory, "available_memory", lambda: 1e6)
    short = json.loads(afina(*command, *free, "--out", "other", code=0).stdout)
    assert short["winner"] == f"{address}#good", "a model that does not fit is named, the others are asked"
    assert short["failed"][str(gguf)].startswith("base.gguf needs about 0.0")


def test_what_failed_is_asked_again_and_nothing_else(folder: Path, address: str) -> None:
    """First an address where nobody listens: no verdict. Then the right one: only the failed arm is asked."""
    names = ["--set", "set.jsonl", "--metric", "exact", "--no-starters", "--json"]
    (folder / "good.jsonl").write_text(
        "".join(json.dumps({"id": f"t{n}", "text": "good"}) + "\n" for n in range(40)), "utf-8"
    )
    with (folder / "good.jsonl").open("a", encoding="utf-8") as file:
        file.writelines(json.dumps({"id": f"s{n}", "text": "no puedo ayudarte"}) + "\n" for n in range(30))
    dead = "http://127.0.0.1:9/v1#bad"
    found = json.loads(afina("evaluate", *names, "--arm", f"a={dead}", "--arm", "b=good.jsonl", code=2).stdout)

    assert found["cause"] == "failed"
    assert found["because"].startswith("a failed on 70 of 70 questions")


def test_files_that_are_no_records_are_never_written_over(folder: Path, address: str) -> None:
    """An answer file of an arm's name in the output folder."""
    text = "".join(
        json.dumps({"id": f"{kind}{n}", "text": "good"}) + "\n"
        for kind, count in (("t", 40), ("s", 30))
        for n in range(count)
    )
    (folder / "mine.jsonl").write_text(text, "utf-8")

    result = afina(
        "evaluate",
        "--set",
        "set.jsonl",
        "--arm",
        "mine.jsonl",
        "--arm",
        "b=mine.jsonl",
        "--out",
        ".",
        "--no-starters",
        code=65,
    )

    assert "is no record of an evaluation" in " ".join(result.output.split())
    assert (folder / "mine.jsonl").read_text("utf-8") == text


@pytest.mark.parametrize(
    "arguments",
    [
        ["--alpha", "7"],
        ["--nonsense"],
        ["--guard", "x=y", "--arm", "a=a.jsonl", "--arm", "b=a.jsonl"],
        ["--arm", "a=a.jsonl"],
    ],
)
def test_wrong_usage_is_no_verdict(folder: Path, arguments: list[str]) -> None:
    """It would be "cannot tell" by click's own exit code."""
    (folder / "a.jsonl").write_text('{"id": "t0", "text": "x"}\n', "utf-8")

    afina("evaluate", "--set", "set.jsonl", *arguments, code=65)
