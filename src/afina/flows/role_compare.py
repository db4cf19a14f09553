"""Models beside each other as a role: on the authored examples that nobody has seen, bound by the schema and free, and on hard cases."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from afina.evaluate.arms import Arm, Asking, gguf_arm, url_arm
from afina.evaluate.ask import ask_arms, finished, score_record
from afina.evaluate.metrics import load_metric
from afina.evaluate.sets import make_set
from afina.flows.role_model import CONTEXT, gguf_of, source_of
from afina.flows.role_space import RoleSpace
from afina.flows.sources import ArmSettings, is_answers, open_address, open_source
from afina.progress import Tell, unheard
from afina.records import EvalItem, EvalSet, Part, Policy, Scored, Turn, Verdict
from afina.roles import Seed
from afina.synth.program import Program
from afina.verdict.judge import Question, judge
from afina.verdict.summary import summarise

SHARED = ("role_score", "yaml_valid", "schema_valid", "usable", "completeness")
"""Measures of every role; the first decides."""
OWN = {"ba": ("ba_requirements_metric",)}
"""Measures of one role beside them: document 001's."""
FREE, BOUND = "free", "bound"
LEAST_JUDGED = 10
"""Authored examples without which there is no verdict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """Who is compared: a model's source, and how it is asked. `key_of`: an address is asked with the key of this name; empty = its own."""

    name: str
    source: str
    program: Program
    key_of: str = ""


def metrics_of(role: str) -> tuple[str, ...]:
    """The measures of a role."""
    return (*SHARED, *OWN.get(role, ()))


def headline_measure(role: str) -> str:
    """The document's own measure where it has one for the role."""
    return OWN.get(role, SHARED)[0]


def seed_items(space: RoleSpace, seeds: Sequence[Seed]) -> list[EvalItem]:
    """Authored examples as items."""
    return [
        EvalItem(
            id=seed.id,
            turns=(Turn("user", seed.question),),
            expected=seed.text,
            rules={"schema": space.role.schema},
        )
        for seed in seeds
    ]


def role_set(space: RoleSpace, items: Sequence[EvalItem], *, bound: bool, name: str = "") -> EvalSet:
    """The items as a set whose answers the schema binds as those of a run, or does not."""
    called = f"{space.role.name}-{name or (BOUND if bound else FREE)}"
    if not bound:
        return make_set(called, items)
    own = {item.id: space.bound(item.question) for item in items}
    told = [replace(item, answer_schema=own[item.id]) if own[item.id] != space.binding else item for item in items]
    return make_set(called, told, answer_schema=space.binding)


def contender_arm(space: RoleSpace, one: Contender, folder: Path, *, bound: bool) -> Arm:
    """A contender as an arm, its answers drawn as the role's are: the likeliest answer of a small model repeats itself until it is cut off.

    Raises:
        InputError, ModelError: there is no such model.
    """
    told = space.system(one.program)
    form = space.role.form.generation
    asking = Asking(
        max_tokens=form.max_tokens,
        timeout_s=form.timeout,
        system=told,
        shown=one.program.examples,
        drawn=space.drawn(0, bound=bound),
        form=space.form(one.program.instructions),
    )
    source = source_of(one.source)
    if is_answers(source):
        return open_source(one.name, source, ArmSettings(settings=space.settings, folder=folder))[0]
    if source.startswith(("http://", "https://")):
        return url_arm(one.name, open_address(one.key_of or one.name, source), asking)
    runtime = space.settings.runtime.model_copy(update={"context": max(CONTEXT, space.settings.runtime.context)})
    gguf = gguf_of(one.source, space.settings, space.folder)
    return gguf_arm(one.name, gguf, runtime, asking, log=folder / f"{one.name}.log")


def ask_contenders(
    space: RoleSpace, contenders: Sequence[Contender], eval_set: EvalSet, tell: Tell = unheard
) -> list[Scored]:
    """Everybody on one set; what was answered before is not asked again.

    Raises:
        InputError, ModelError: there is no such model.
    """
    folder = records_folder(space, eval_set)
    bound = eval_set.answer_schema is not None
    arms = [contender_arm(space, one, folder, bound=bound) for one in contenders]
    return ask_arms(arms, eval_set, metrics_of(space.role.name), folder, tell=tell)


def answered_before(space: RoleSpace, contenders: Sequence[Contender], eval_set: EvalSet) -> list[Scored] | None:
    """What they answered, with its scores; what they failed to answer stays so. None: somebody was not asked this set, or another bootstrap
    of the role has asked others of these names since.
    """
    folder, metrics = records_folder(space, eval_set), [load_metric(name) for name in metrics_of(space.role.name)]
    found = []
    for one in contenders:
        arm = contender_arm(space, one, folder, bound=eval_set.answer_schema is not None)
        record = finished(folder / f"{one.name}.jsonl", eval_set, arm)
        if record is None:
            return None
        found.append(score_record(record, metrics))
    return found


def records_folder(space: RoleSpace, eval_set: EvalSet) -> Path:
    """Where a set's answers are kept."""
    return space.folder / "evaluations" / eval_set.name


def role_verdict(space: RoleSpace, scored: Sequence[Scored], a: str, b: str) -> Verdict:
    """Is B better than A? By the role's score; the other measures are shown."""
    options = space.settings.evaluate
    policy = Policy(
        alpha=options.alpha, minimum_effect=options.minimum_effect, min_items=min(LEAST_JUDGED, options.min_items)
    )
    shown = [name for name in metrics_of(space.role.name) if name != SHARED[0]]
    return judge(scored, Question(a=a, b=b, policy=policy, shown=shown))


def figures(scored: Scored) -> dict[str, Any]:
    """A model's means, speed and memory: document 001's words."""
    cost = summarise(scored.record)
    means = {name: sum(found.values()) / len(found) for name, found in scored.scores.items() if found}
    return {
        **{name: round(value, 4) for name, value in means.items()},
        "quantity": round(requirements(scored), 2),
        "tokens_per_sec": cost.tokens_per_s,
        "ram_usage_mb": cost.peak_rss_mb,
        "cut": sum(output.cut for output in scored.record.outputs),
        "failed": cost.failed,
        "items": cost.items,
    }


def requirements(scored: Scored) -> float:
    """Mean number of entries with an id: the document's quantity of requirements."""
    return sum(output.text.count('"id"') + output.text.count("- id:") for output in scored.record.outputs) / max(
        1, len(scored.record.outputs)
    )


def stress_items(space: RoleSpace, cases: Sequence[tuple[str, str]]) -> list[EvalItem]:
    """Hard cases, each an id and a question; they have no right answer."""
    return [
        EvalItem(id=identity, turns=(Turn("user", question),), part=Part.TARGET, rules={"schema": space.role.schema})
        for identity, question in cases
    ]
