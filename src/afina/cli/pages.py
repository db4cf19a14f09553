"""A verdict's pages, in the language of the terminal."""

from hashlib import blake2b
from pathlib import Path

from afina.evaluate.record import read_record
from afina.flows.project import Project
from afina.records import EvalRecord, ModelVersion, Part, Verdict
from afina.texts import language
from afina.verdict.record import read_verdict
from afina.web.sides import Blind, write_sides
from afina.web.verdict import write_verdict_page

PAGE, SIDES, KEY = "verdict.html", "side-by-side.html", "side-by-side.key.json"


def write_pages(verdict: Verdict, a: EvalRecord, b: EvalRecord, folder: Path) -> Path:
    """The manager's page and, where answers differ, the blind one with its key apart. Returns the first's path."""
    write_verdict_page(verdict, folder / PAGE, language=language())
    old = {output.item: output.text for output in a.outputs}
    rows = [
        {"id": item.id, "question": item.question, "expected": item.expected, "a": old[item.id], "b": new.text}
        for item, new in zip(b.eval_set.items, b.outputs, strict=True)
        if item.part is Part.TARGET and item.turns and old.get(item.id, new.text) != new.text
    ]
    for old_page in (folder / SIDES, folder / KEY):
        old_page.unlink(missing_ok=True)
    if rows:
        # drawn anew for other answers; for the same ones the page and its key stay what they were
        seed = blake2b(repr(rows).encode(), digest_size=8).hexdigest()
        blind = Blind(a=a.arm, b=b.arm, seed=seed, language=language())
        write_sides(rows, folder / SIDES, folder / KEY, blind)
    return folder / PAGE


def version_pages(project: Project, version: ModelVersion) -> Path:
    """The pages of a version's last evaluation, written again from its files."""
    folder = project.paths.model(version.id)
    verdict = read_verdict(folder / "verdict.json")
    base, _ = read_record(project.paths.evaluation(version.card["dataset"]) / f"{verdict.a}.jsonl")
    tuned, _ = read_record(folder / "evaluation.jsonl")
    return write_pages(verdict, base, tuned, folder)
