"""The chain BA → PO → Architect → Dev → QA: every answer is checked before the next role reads it, and what is done is not done again."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afina.errors import RoleError
from afina.flows.concepts import require_concept
from afina.flows.role_artifact import (
    LINKS,
    checked_file,
    content_mark,
    questions_mark,
    read_links,
    write_artifact,
    write_missing,
)
from afina.flows.role_run import Answered, Seeds, Worker, concept_question, run_role
from afina.progress import Stages
from afina.roles.artifacts import questions_of
from afina.store.paths import write_json

OpenWorker = Callable[[str], Worker]
"""A role's name → who answers for it."""
KEPT = "answers.jsonl"
"""Of a link that breaks at its seventh question the first six answers are not asked for again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """The roles of a chain, where their files go, and who answers."""

    names: tuple[str, ...]
    folder: Path
    worker: OpenWorker
    seed: int = 0


def run_chain(
    chain: Chain,
    concept: str,
    stages: Stages,
    *,
    kept: Callable[[Worker, Answered], str] = lambda _worker, _answered: "",
) -> dict[str, Any]:
    """From a concept to code and tests. A link whose questions and seed have not changed, and whose files are there, is not asked again: an
    edited file goes on to the roles behind it, a broken chain goes on where it broke, with other answers than those that broke it and
    whoever answers then. Another seed does not replace an edited file. `kept` writes a run down and names it.

    Raises:
        InputError: no concept, or a file was edited so that it cannot be read. RoleError: a role's answer cannot be used.
    """
    require_concept(concept, "concept")
    artifacts: dict[str, dict[str, Any]] = {}
    told: dict[str, Any] = {}
    for name in chain.names:
        worker = chain.worker(name)
        reads = worker.space.role.form.reads
        questions = tuple(questions_of(worker.space.role, artifacts) if reads else [concept_question(concept)])
        path = chain.folder / worker.space.role.form.writes
        done = is_done(chain, name, path, questions)
        run = ""
        if done:
            artifacts[name] = checked_file(worker, path)
            write_missing(worker, artifacts[name], chain.folder)
        else:
            answered = asked(chain.folder, worker, questions, stages, seed=chain.seed)
            write_artifact(worker, answered, chain.folder, seed=chain.seed)
            artifacts[name], run = answered.artifact, kept(worker, answered)
        link = read_links(chain.folder)[name]
        told[name] = {**{key: link[key] for key in TOLD}, "run": run, "file": str(path), "kept": done}
    return told


TOLD = ("model", "seed", "score", "tries")


def asked(folder: Path, worker: Worker, questions: Sequence[str], stages: Stages, *, seed: int) -> Answered:
    """A role's answers, each kept. What cannot be used is counted in the folder of its files, so that the next call draws others.

    Raises:
        RoleError: an answer cannot be used.
    """
    name = worker.space.role.name
    seeds = Seeds(seed, Counter(read_links(folder).get(name, {}).get("failed", {})))
    try:
        return run_role(worker, questions, stages, seeds=seeds, kept=KEPT)
    except RoleError:
        links = read_links(folder)
        write_json(folder / LINKS, {**links, name: {**links.get(name, {}), "failed": dict(seeds.failed)}})
        raise


def is_done(chain: Chain, name: str, path: Path, questions: tuple[str, ...]) -> bool:
    """Whether a link need not be asked: its file is there, made of the same questions and drawn alike, or edited since."""
    link = read_links(chain.folder).get(name, {})
    if link.get("mark") != questions_mark(questions) or not path.is_file():
        return False
    ours = link["files"].get(str(path.relative_to(chain.folder.parent)))
    return bool(link["seed"] == chain.seed or ours != content_mark(path.read_bytes()))
