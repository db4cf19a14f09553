"""A version beside the base, the live version and the baselines, on the held-out part and the guards: the verdict."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, get_args

from afina.bases import resolve_base
from afina.chat.render import Renderer
from afina.evaluate.arms import TARGET, Arm, Asking, Nearest, Pair, gguf_arm
from afina.evaluate.ask import ask_arms
from afina.evaluate.baselines import NEAREST, Known, baseline_arm, require_baseline
from afina.evaluate.calibrate import calibrate
from afina.evaluate.memorisation import Memory
from afina.evaluate.metrics import load_metric
from afina.evaluate.record import write_record
from afina.evaluate.set_files import with_starters
from afina.evaluate.sets import make_set
from afina.flows.base_file import base_gguf
from afina.flows.corrections import ask_corrections, correction_items, with_corrections
from afina.flows.memorisation import held, probe
from afina.flows.opponent import opponent_prompt
from afina.flows.project import Project, settings_of
from afina.flows.report import task_report
from afina.progress import Stages
from afina.records import (
    GUARDED,
    LIKELIHOOD,
    Cause,
    Dataset,
    EvalItem,
    EvalSet,
    ModelVersion,
    Outcome,
    Policy,
    Scored,
    Verdict,
)
from afina.runtime.renderer import renderer_of
from afina.settings import Quantisation, Settings
from afina.store.paths import write_json
from afina.verdict.judge import Question, judge
from afina.verdict.record import write_verdict

BASE, TUNED, LIVE = "base", "tuned", "live"
CALIBRATED = 100
"""Answers that a version's probabilities are calibrated on, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """The tuned version that is live: its file, the prompt it is served with, and the messages that it was trained on."""

    gguf: Path
    prompt: str
    seen: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """Who is compared on what: a dataset's held-out part, the served files, where records and logs go."""

    dataset: Dataset
    settings: Settings
    base: Path
    tuned: Path
    folder: Path
    live: Live | None = None


def eval_set_of(project: Project, dataset: Dataset, *, guards: Sequence[str]) -> EvalSet:
    """The held-out part as items, with the project's own safety and forgetting items."""
    rules = project.task.kind.item_rules(project.task)
    items = [EvalItem(id=e.id, turns=e.turns, expected=e.answer, group=e.group, rules=rules) for e in dataset.test]
    starters = with_starters(items, [part for part in GUARDED if part in guards])
    return make_set(dataset.task, starters, answer_schema=dataset.answer_schema)


def metrics_of(project: Project) -> tuple[str, ...]:
    """The measures that decide, by the settings or the kind."""
    return project.settings.task.metrics or project.task.kind.metrics


def require_known(project: Project) -> None:
    """Refuse, before anything is trained, a metric or a baseline that the verdict would not find.

    Raises:
        InputError: names it and lists those there are.
    """
    for metric in metrics_of(project):
        load_metric(metric)
    for name in project.task.kind.baselines:
        require_baseline(name)


def policy_of(project: Project, *, redeploy: bool) -> Policy:
    """What counts as better, by the settings."""
    options = project.settings.evaluate
    effect = options.redeploy_effect if redeploy else options.minimum_effect
    every = project.task.kind.all_targets and not project.settings.task.metrics
    return Policy(alpha=options.alpha, minimum_effect=effect, min_items=options.min_items, all_targets=every)


def assess(project: Project, contest: Contest, stages: Stages) -> tuple[list[Scored], Verdict]:
    """Ask all arms, judge. With a tuned version that is live the new one is compared with that."""
    dataset = contest.dataset
    eval_set = eval_set_of(project, dataset, guards=contest.settings.evaluate.guards)
    with stages.stage("evaluate") as stage:
        arms = [*baseline_arms(project, dataset), *model_arms(project, contest)]
        scored = ask_arms(arms, eval_set, metrics_of(project), contest.folder, tell=stage.tell)
        stage.note = f"{len(scored)} arms, {len(dataset.test)} held-out items"
    with stages.stage("verdict") as stage:
        options, live = contest.settings.evaluate, contest.live
        question = Question(
            a=LIVE if live else BASE,
            b=TUNED,
            policy=policy_of(project, redeploy=live is not None),
            margin=options.margin,
            margin_nats=options.margin_nats,
            training=[*(e.message for e in dataset.seen()), *(live.seen if live else ())],
            must_beat=options.must_beat_baselines,
        )
        verdict = judge(scored, question)
        if live:
            first = replace(question, a=BASE, policy=policy_of(project, redeploy=False))
            verdict = beside_base(verdict, judge(scored, first))
        stage.note = f"{verdict.outcome}, p = {verdict.p_value:.2g}"
    return scored, verdict


def beside_base(verdict: Verdict, base: Verdict) -> Verdict:
    """The verdict over the live version, held against the untuned base too: small losses add up over generations."""
    said = f"against the untuned base: {base.because}"
    if verdict.outcome is Outcome.GO and base.cause in {Cause.GUARD, Cause.WORSE}:
        return replace(
            verdict,
            outcome=Outcome.NO_GO,
            cause=Cause.DRIFTED,
            because=said,
            metrics=base.metrics,
            reasons=(said, *verdict.reasons),
        )
    return replace(verdict, reasons=(*verdict.reasons, said))


def again_corrected(project: Project, contest: Contest, verdict: Verdict, stages: Stages) -> Verdict:
    """The verdict with every correction ever made, asked of what is live (or the base) and of the candidate."""
    options, kind = contest.settings.evaluate, project.task.kind
    metrics = metrics_of(project)
    items = correction_items(project, most=options.max_corrections) if options.max_corrections and kind.asks else []
    if not items or not metrics:
        return verdict
    live, prompt = contest.live, contest.dataset.prompt
    name, gguf, told = (LIVE, live.gguf, live.prompt) if live else (BASE, contest.base, prompt)
    arms = (
        model_arm(f"{name}.corrections", gguf, asking(project, contest.settings, told, None, weighs=False), contest),
        model_arm(
            f"{TUNED}.corrections",
            contest.tuned,
            asking(project, contest.settings, prompt, None, weighs=False),
            contest,
        ),
    )
    found = ask_corrections(items, contest.dataset, arms, metrics[0], (project.paths, stages))
    return with_corrections(verdict, found, most=options.max_regressions, decides=live is not None)


def pairs_of(dataset: Dataset) -> list[Pair]:
    """What the training knows, as message and answer."""
    return [(e.message, e.answer) for e in dataset.seen()]


def baseline_arms(project: Project, dataset: Dataset) -> list[Arm]:
    """The kind's baselines."""
    task = project.task
    known = Known(
        pairs=pairs_of(dataset),
        dataset=dataset.id,
        columns=lambda answer: task.kind.columns(task, answer),
        joined=lambda columns: task.kind.joined(task, columns),
    )
    return [baseline_arm(name, known) for name in task.kind.baselines]


def model_arms(project: Project, contest: Contest) -> list[Arm]:
    """Base and tuned as served; each also with the k nearest training examples in the prompt (few-shot, costs no training)."""
    settings, kind = contest.settings, project.task.kind
    renderer = renderer_of(resolve_base(settings.base.model))
    told = opponent_prompt(project, contest.dataset, settings, renderer)
    arms = [model_arm(BASE, contest.base, asking(project, settings, told, renderer), contest)]
    if settings.evaluate.nearest and kind.asks:
        shots = Nearest(pairs_of(contest.dataset), k=settings.evaluate.nearest)
        helped = [(BASE, contest.base, told)]
        helped += [(TUNED, contest.tuned, contest.dataset.prompt)] if settings.evaluate.tuned_nearest else []
        for name, gguf, prompt in helped:
            own = asking(project, settings, prompt, None, nearest=shots, parts=TARGET, weighs=False)
            arms.append(model_arm(f"{name}+{NEAREST}", gguf, own, contest))
    if contest.live:
        own = asking(project, settings, contest.live.prompt, renderer)
        arms.append(model_arm(LIVE, contest.live.gguf, own, contest))
    own = asking(project, settings, contest.dataset.prompt, renderer)
    return [*arms, model_arm(TUNED, contest.tuned, own, contest)]


def asking(project: Project, settings: Settings, system: str, renderer: Renderer | None, **more: Any) -> Asking:
    """How a model is asked here."""
    kind, options = project.task.kind, settings.evaluate
    base = {
        "max_tokens": options.max_tokens,
        "timeout_s": options.timeout_s,
        "weighs": kind.weighs,
        "writes": kind.asks,
    }
    return Asking(**{**base, "system": system, "renderer": renderer, **more})


def model_arm(name: str, gguf: Path, how: Asking, contest: Contest) -> Arm:
    """A served file as an arm."""
    return gguf_arm(name, gguf, contest.settings.runtime, how, log=contest.folder / f"{name}.log")


def live_model(project: Project, *, but: ModelVersion) -> Live | None:
    """The tuned version in production: a new one must be better than it, not than the base again."""
    rollout = project.ledger.in_production()
    if rollout is None or rollout.model_version == but.id:
        return None
    version = project.ledger.version(rollout.model_version)
    gguf = project.paths.data / version.gguf
    if version.run is None or not gguf.is_file():
        return None
    dataset = project.ledger.dataset(version.card["dataset"])
    seen = tuple(e.message for e in dataset.seen())
    return Live(gguf=gguf, prompt=version.card.get("prompt", ""), seen=seen)


def own_type(version: ModelVersion) -> dict[str, dict[str, str]]:
    """The setting that gives the base the version's quantisation; a GGUF's own need not be one that is exported."""
    known = get_args(Quantisation)
    return {"export": {"quantisation": version.quantisation}} if version.quantisation in known else {}


def calibrate_version(project: Project, version: ModelVersion, contest: Contest, stages: Stages) -> None:
    """Ask the tuned file on the validation part, and keep with the version how to read its probabilities: the gateway tells them as confidence.

    Only answers that a schema binds have one.
    """
    dataset = contest.dataset
    if dataset.answer_schema is None or not project.task.kind.asks:
        return
    items = [
        EvalItem(id=e.id, turns=e.turns, expected=e.answer, group=e.group) for e in dataset.validation[:CALIBRATED]
    ]
    own = asking(project, contest.settings, dataset.prompt, None, weighs=False)
    with stages.stage("calibrate") as stage:
        arm = model_arm(f"{TUNED}.validation", contest.tuned, own, contest)
        record = ask_arms(
            [arm],
            make_set(dataset.task, items, answer_schema=dataset.answer_schema),
            ("exact",),
            contest.folder,
            tell=stage.tell,
        )
        scores = record[0].scores["exact"]
        answers = [
            (o.confidence, scores[o.item] == 1)
            for o in record[0].record.outputs
            if o.confidence is not None and o.item in scores
        ]
        found = calibrate([min(1.0, sure) for sure, _ in answers], [right for _, right in answers])
        stage.note = f"{len(answers)} answers of the validation part" if found else "too few answers: not calibrated"
    if found is not None:
        project.ledger.change_card(version.id, {**version.card, "calibration": asdict(found)})


def remembered(project: Project, contest: Contest, stages: Stages) -> Memory | None:
    """What the tuned file repeats of planted secrets, where some were."""
    renderer = renderer_of(resolve_base(contest.settings.base.model))
    own = asking(project, contest.settings, contest.dataset.prompt, renderer, weighs=True)
    return probe(contest.dataset, model_arm(f"{TUNED}.memory", contest.tuned, own, contest), project.paths, stages)


def evaluate_version(project: Project, version: ModelVersion, stages: Stages) -> tuple[dict[str, Any], Verdict]:
    """Score a version, reach the verdict, keep both. Returns the report's entry."""
    ledger, paths = project.ledger, project.paths
    dataset = ledger.dataset(version.card["dataset"])
    config = ledger.run(version.run).config if version.run else {}
    settings = settings_of(project, config, base={"model": version.base}, **own_type(version))
    contest = Contest(
        dataset=dataset,
        settings=settings,
        base=base_gguf(settings, folder=paths.bases),
        tuned=paths.data / version.gguf,  # stored relative: a project may be moved or restored elsewhere
        folder=paths.evaluation(dataset.id),
        live=live_model(project, but=version),
    )
    scored, verdict = assess(project, contest, stages)
    verdict = again_corrected(project, contest, verdict, stages)
    verdict = held(verdict, remembered(project, contest, stages), most=settings.evaluate.max_extracted)
    ledger.save_verdict(verdict, version.id, dataset.id)
    entry = task_report(contest, scored, verdict, metric=(*metrics_of(project), LIKELIHOOD)[0], seconds=stages.seconds)
    entry["version"], entry["run"] = version.id, version.run
    folder = paths.model(version.id)
    write_json(folder / "report.json", {"tasks": [entry]})
    write_verdict(folder / "verdict.json", verdict)
    # kept with the version: the dataset's folder holds the newest version's
    own = next(one for one in scored if one.name == TUNED)
    write_record(folder / "evaluation.jsonl", own.record, own.scores)
    calibrate_version(project, version, contest, stages)
    return entry, verdict
