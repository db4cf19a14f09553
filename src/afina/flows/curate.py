"""Judge everything that may be learnt: here, or over several processes."""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cache, partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

from afina.bases import resolve_base
from afina.capture import scrub_exchange
from afina.chat.render import Renderer
from afina.curate import OF_TABLES, Opening, Plan, curate, curate_over, make_plan
from afina.errors import TemplateError
from afina.flows.privacy import policy_of
from afina.flows.project import Project
from afina.ids import ClientId
from afina.progress import Stages
from afina.records import Curated, Example, Exchange
from afina.runtime.renderer import renderer_of
from afina.settings import Settings
from afina.store.paths import Paths
from afina.tasks import Task, make_task
from afina.texts import t

PACKAGE = Path(__file__).parents[1]
SURELY_FITS = 0.25
"""A text of so many characters for each token of the limit is not measured: no tokenizer makes four tokens of a character."""
OF_TABLES_ALONE = {
    "conflicts", "near_duplicate", "user_share", "source_share", "balance", "balance_by", "newest", "max_failed",
}  # fmt: skip
"""Settings that the judgement of a single row does not hang on."""


def curate_project(
    project: Project, stages: Stages, *, executor: Executor | None = None, processes: int = 1
) -> Curated:
    """The judgement is kept. `executor`: whose workers judge single rows; without one so many processes of this machine."""
    with stages.stage("curate") as stage:
        exchanges = project.ledger.exchanges(needs_feedback=project.task.kind.needs_feedback)
        curated = curate_all(
            exchanges,
            PlanOf.of(project),
            executor=executor,
            processes=processes,
            tell=lambda done: stage.tell(done, 0, f"{done:,}"),
        )
        project.ledger.save_curated(curated, project.settings.curate)
        reasons = Counter(judged.reason for judged in curated.judged if not judged.kept)
        counts = {"kept": len(curated.judged) - reasons.total(), **dict(reasons.most_common(12))}
        stage.note = ", ".join(f"{n} {t(what)}" for what, n in counts.items())
    return curated


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOf:
    """A project's plan of curation, as another process can make it too."""

    settings: Settings
    paths: Paths
    client: ClientId
    task: str
    folder: Path
    schema: dict[str, Any] | None = None

    @classmethod
    def of(cls, project: Project) -> "PlanOf":
        """A project's."""
        return cls(
            settings=project.settings,
            paths=project.paths,
            client=project.client,
            task=project.task.name,
            folder=project.folder,
            schema=project.task.schema,
        )

    def __call__(self) -> Plan:
        """The plan."""
        task = replace(make_task(self.settings, folder=self.folder), name=self.task)
        policy = policy_of(self.settings.privacy, self.paths, self.client)
        return make_plan(
            task,
            scrub=partial(scrub_exchange, policy=policy),
            fit=fits(self.settings, task),
            fingerprint=self.fingerprint,
        )

    @property
    def fingerprint(self) -> str:
        """Of all that the judgement of a single row hangs on beside the row."""
        settings = self.settings
        curation = settings.curate.model_dump(mode="json", exclude=OF_TABLES_ALONE)
        curation["steps"] = [name for name in curation["steps"] if name not in OF_TABLES]
        own = [Path(name.rpartition(":")[0]) for name in curation["steps"] if ":" in name]
        body = {
            "curate": curation,
            "task": [self.task, settings.task.model_dump(mode="json"), self.schema],
            "privacy": settings.privacy.model_dump(mode="json"),
            "fit": [settings.base.model, *limits(settings)],
            "code": [code_digest(), *(digest(path.read_bytes()) for path in own if path.is_file())],
        }
        return digest(json.dumps(body, sort_keys=True, ensure_ascii=False).encode())


def digest(raw: bytes) -> str:
    """A short name of some bytes."""
    return blake2b(raw, digest_size=12).hexdigest()


@cache
def code_digest() -> str:
    """Of the program's code and lists of words: where they change, rows are judged again."""
    found = blake2b(digest_size=12)
    for file in sorted(PACKAGE.rglob("*")):
        if file.suffix in {".py", ".toml"}:
            found.update(file.read_bytes())
    return found.hexdigest()


def curate_all(
    exchanges: Iterable[Exchange],
    plan: PlanOf,
    *,
    executor: Executor | None,
    processes: int,
    tell: Callable[[int], None],
) -> Curated:
    """Judge exchanges here, in processes of this machine, or where an executor's workers are."""
    if executor is None and processes <= 1:
        return curate(exchanges, plan(), tell=tell)
    opening = Opening(plan.fingerprint, plan)
    with ProcessPoolExecutor(processes) if executor is None else nullcontext(executor) as workers:
        return curate_over(workers, exchanges, opening, tell=tell)


def limits(settings: Settings) -> tuple[int, int, int]:
    """What the length of an example is held to, tokens."""
    return settings.train.training.max_seq_length, settings.runtime.context, min(settings.evaluate.max_tokens, 160)


def fits(settings: Settings, task: Task) -> Callable[[Example, Task], str]:
    """The step that an example can be rendered, and is short enough to be trained on and to leave room for an answer when it
    is served: found later it would end the whole run. Short plain exchanges are not rendered: most are.
    """
    longest, context, reply = limits(settings)
    limit = min(longest, context - reply)
    prompt = task.kind.prompt(task)
    loaded: list[Renderer] = []

    def step(example: Example, _task: Task) -> str:
        chat = example.chat(prompt)
        characters = sum(len(turn.content.encode()) for turn in chat)
        roles = [turn.role for turn in chat]
        plain = roles in (["user", "assistant"], ["system", "user", "assistant"])
        if not example.turns or (plain and characters < SURELY_FITS * limit):
            return ""
        if not loaded:
            loaded.append(renderer_of(resolve_base(settings.base.model)))
        try:
            length = len(loaded[0].training(chat, only_last=True).ids)
        except TemplateError as exc:
            return str(exc)
        return (
            f"{length} tokens, more than {limit} (max_seq_length, and the context less a reply)"
            if length > limit
            else ""
        )

    return step
