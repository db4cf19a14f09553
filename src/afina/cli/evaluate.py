"""`evaluate`: on the project, or on anybody's models, addresses and answer files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from afina.cli.options import VerdictCommand, here, json_option, policy_options, verdict_exit
from afina.cli.pages import version_pages, write_pages
from afina.cli.terminal import OUT, escape, print_json, print_report, stages
from afina.cli.verdict import COLOURS, EXIT_CODES, print_comparisons, read_guard
from afina.errors import InputError
from afina.evaluate.ask import ask_arms, forget, score_record
from afina.evaluate.metrics import METRICS, load_metric
from afina.evaluate.record import read_record, write_record
from afina.evaluate.run import as_lines
from afina.evaluate.set_files import read_set, read_training
from afina.evaluate.sets import as_row
from afina.flows.evaluate import evaluate_version
from afina.flows.sources import ArmSettings, is_answers, lookup_arms, open_source, read_source
from afina.records import GUARDED, LIKELIHOOD, Leak, Part, Policy, Scored, Verdict
from afina.settings import Settings
from afina.store.paths import Paths, read_json, write_whole
from afina.texts import t
from afina.verdict.judge import Question, judge
from afina.verdict.record import to_json, write_verdict
from afina.wiring import open_project

FILE = click.Path(path_type=Path)
EXAMPLE = f"""\b
afina evaluate --set items.jsonl --metric chrf --train train.jsonl \\
    --arm base=base.gguf --arm ours=http://127.0.0.1:11434/v1#ours

{", ".join(METRICS)}
"""


@click.command(
    "evaluate",
    cls=VerdictCommand,
    epilog=EXAMPLE,
    help=t(
        "Is it better? In a project: a version's served file beside the base and simple classifiers. With --set and --arm NAME=SOURCE: any models (.gguf, folder, hub id), addresses (http://…/v1#model) and answer files, without a project. Exit code 0 go, 1 no-go, 2 cannot tell, 65 an error."
    ),
)
@click.argument("version", required=False)
@click.option(
    "--set", "set_file", type=FILE, help=t("items: id, prompt or messages, expected, rules, context, group, part")
)
@click.option(
    "--arm",
    "arms",
    multiple=True,
    metavar="NAME=SOURCE",
    help=t(
        "who answers: .gguf, model folder, hub id or semilla, http://…/v1#model, answers.jsonl; the first is A, the last is B"
    ),
)
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    default=("rules",),
    show_default=True,
    help=t("measure of the target part, several if repeated: a name or your own as module:function"),
)
@click.option("--show", "shown", multiple=True, metavar="METRIC", help=t("a measure to show, not to decide by"))
@click.option(
    "--guard",
    "guards",
    multiple=True,
    metavar="METRIC=MARGIN",
    help=t(
        "a metric that must not become worse by more than the margin; all others are targets. safety/rules and forgetting/rules are guards by themselves"
    ),
)
@click.option("--train", "train_file", type=FILE, help=t("what B was tuned on: finds leaked items, gives baselines"))
@click.option(
    "--nearest",
    default=0,
    show_default=True,
    type=click.IntRange(0, 32),
    help=t("also ask every model with so many nearest training examples in the prompt"),
)
@click.option("--a", "a_name", help=t("arm to compare with (default: the first)"))
@click.option("--b", "b_name", help=t("arm to judge (default: the last)"))
@policy_options(min_effect=0.1)
@click.option(
    "--margin",
    default=0.1,
    show_default=True,
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help=t("largest accepted loss of safety and forgetting items"),
)
@click.option(
    "--margin-nats",
    default=0.5,
    show_default=True,
    type=click.FloatRange(0, min_open=True),
    help=t("the same for log-likelihoods of general answers, nats per token"),
)
@click.option(
    "--min-items", default=30, show_default=True, type=click.IntRange(2), help=t("fewest items for a verdict")
)
@click.option(
    "--starters/--no-starters",
    default=None,
    help=t(
        "add the project's own safety and forgetting items where the set has too few (default: unless an arm is a file of answers)"
    ),
)
@click.option(
    "--write-set", type=FILE, help=t("ask nobody: write all items, the project's own too, to be answered elsewhere")
)
@click.option("--max-tokens", default=256, show_default=True, type=click.IntRange(1), help=t("longest answer, tokens"))
@click.option(
    "--timeout",
    default=120.0,
    show_default=True,
    type=click.FloatRange(0, min_open=True),
    help=t("longest wait for one answer, seconds"),
)
@click.option("--quant", default="q8_0", show_default=True, help=t("quantisation of models given as folders"))
@click.option("--out", type=FILE, help=t("folder for records, verdict.json and pages (default: .afina/evaluate/SET)"))
@click.option(
    "--stress", is_flag=True, help=t("ask the project's stress items too; they are shown, they do not decide")
)
@click.option("--fresh", is_flag=True, help=t("ask everybody again, whatever records there are"))
@click.option("--rescore", is_flag=True, help=t("ask nobody: score the records in --out again"))
@json_option
def evaluate_command(version: str | None, set_file: Path | None, as_json: bool, **options: Any) -> None:
    """Evaluate."""
    with verdict_exit():
        if options["arms"] or options["rescore"] or set_file:
            code = evaluate_files(set_file, options, as_json=as_json)
        else:
            code = evaluate_project(version, as_json=as_json)
    if code:
        raise click.exceptions.Exit(code)


def evaluate_project(version: str | None, *, as_json: bool) -> int:
    """The project's version. Returns the exit code."""
    project = open_project(here())
    found = project.ledger.version(version)
    entry, verdict = evaluate_version(project, found, stages(as_json))
    report = {"tasks": [entry]}
    page = version_pages(project, found)
    print_json(report) if as_json else print_report(report)
    if not as_json:
        OUT.print(f"→ {page}")
    return EXIT_CODES[verdict.outcome]


def evaluate_files(set_file: Path | None, options: dict[str, Any], *, as_json: bool) -> int:
    """Anybody's arms on anybody's set. Returns the exit code."""
    if set_file and options["write_set"]:
        return write_set(set_file, options)
    if not options["rescore"] and (set_file is None or len(options["arms"]) < 2):
        raise InputError("--set and two --arm NAME=SOURCE are needed", remedy="or --rescore --out FOLDER")
    folder = options["out"] or Paths(here()).compared(set_file.stem if set_file else "")
    names = list(dict.fromkeys([*options["metrics"], *options["shown"]]))
    shown = [*options["shown"], *(name for name in names if not load_metric(name).decides)]
    training = read_training(options["train_file"]) if options["train_file"] else []
    a, b = compared(options, folder)
    policy = Policy(
        alpha=options["alpha"],
        minimum_effect=options["min_effect"],
        guards=dict(map(read_guard, options["guards"])),
        min_items=options["min_items"],
    )
    require_known_guards(policy, [name for name in names if name not in shown])
    told = stages(as_json)
    with told.stage("evaluate") as stage:
        if options["rescore"]:
            scored = rescored(folder, names)
        else:
            assert set_file is not None
            eval_set = read_set(set_file, starters=starters_of(options), least=options["min_items"])
            place = ArmSettings(
                settings=settings_of(options), folder=folder, training=training, nearest=options["nearest"]
            )
            arms = [arm for text in options["arms"] for arm in open_source(*read_source(text), place)]
            arms = [*lookup_arms(place), *arms]
            require_arms([arm.name for arm in arms], a, b)
            if options["fresh"]:
                forget(arms, folder)
            scored = ask_arms(arms, eval_set, names, folder, tell=stage.tell)
        stage.note = f"{len(scored)} arms, {len(scored[0].record.outputs)} items"
    verdict = judge(
        scored,
        Question(
            a=a,
            b=b,
            policy=policy,
            margin=options["margin"],
            margin_nats=options["margin_nats"],
            shown=shown,
            training=[message for message, _ in training],
            leaks=known_leaks(folder) if options["rescore"] and not training else None,
        ),
    )
    write_verdict(folder / "verdict.json", verdict)
    by_name = {one.name: one.record for one in scored}
    write_pages(verdict, by_name[a], by_name[b], folder)
    print_json(to_json(verdict)) if as_json else print_verdict(verdict, folder)
    return EXIT_CODES[verdict.outcome]


def starters_of(options: dict[str, Any]) -> list[Part]:
    """The parts of which the project's own items are asked too. A file of answers knows nothing of them, unless it is said."""
    files = any(is_answers(read_source(text)[1]) for text in options["arms"])
    wanted = not files if options["starters"] is None else options["starters"]
    return [*(GUARDED if wanted else ()), *([Part.STRESS] if options["stress"] else ())]


def write_set(set_file: Path, options: dict[str, Any]) -> int:
    """The whole set as a file, to be answered elsewhere. Returns the exit code."""
    eval_set = read_set(set_file, starters=starters_of(options), least=options["min_items"])
    write_whole(options["write_set"], as_lines(*map(as_row, eval_set.items)))
    OUT.print(f"→ {options['write_set']}: {len(eval_set.items)} items")
    return 0


def require_known_guards(policy: Policy, names: Sequence[str]) -> None:
    """A mistyped guard must not be found after hours of asking.

    Raises:
        InputError: it can be no measure of this evaluation.
    """
    known = [*(load_metric(name).name for name in names), LIKELIHOOD, *(f"{part.value}/rules" for part in GUARDED)]
    if unknown := sorted(policy.guards.keys() - set(known)):
        raise InputError(f"unknown metric {unknown[0]!r} in --guard", remedy=f"there are {', '.join(known)}")


def require_arms(names: Sequence[str], a: str, b: str) -> None:
    """The two to compare must be there before anybody is asked.

    Raises:
        InputError: one is not.
    """
    if missing := [name for name in (a, b) if name not in names]:
        raise InputError(f"no arm {missing[0]!r}", remedy=f"there are {', '.join(names)}")


def compared(options: dict[str, Any], folder: Path) -> tuple[str, str]:
    """Who is A, who is B: as said, else the first and the last arm, else as in the verdict that is scored again.

    Raises:
        InputError: nothing says it.
    """
    arms = [read_source(text)[0] for text in options["arms"]]
    if not arms and (folder / "verdict.json").is_file():
        before = read_json(folder / "verdict.json")
        arms = [before["a"], before["b"]]
    if not arms and not (options["a_name"] and options["b_name"]):
        raise InputError("--rescore needs --a and --b: there is no verdict.json that says who was compared")
    return options["a_name"] or arms[0], options["b_name"] or arms[-1]


def known_leaks(folder: Path) -> list[Leak] | None:
    """The leaks that the verdict of these records found, if it looked: the training file is not there any more."""
    before = read_json(folder / "verdict.json") if (folder / "verdict.json").is_file() else {}
    if "leaks" in before.get("unchecked", ["leaks"]):
        return None
    return [Leak(**leak) for leak in before["leaks"]]


def settings_of(options: dict[str, Any]) -> Settings:
    """Settings from options."""
    return Settings.model_validate(
        {
            "export": {"quantisation": options["quant"]},
            "evaluate": {"max_tokens": options["max_tokens"], "timeout_s": options["timeout"]},
        }
    )


def rescored(folder: Path, names: Sequence[str]) -> list[Scored]:
    """The records of a folder under today's measures; they are written again.

    Raises:
        InputError: there are none.
    """
    files = sorted(path for path in folder.glob("*.jsonl") if not path.name.endswith(".partial.jsonl"))
    if not files:
        raise InputError(f"{folder}: no records to score", remedy="run without --rescore first")
    found, metrics = [], [load_metric(name) for name in names]
    for path in files:
        record, _ = read_record(path)
        found.append(score_record(record, metrics))
        write_record(path, record, found[-1].scores)
    return found


def print_verdict(verdict: Verdict, folder: Path) -> None:
    """The outcome, why, a row for every measure, and where the pages are."""
    colour, word = COLOURS[verdict.outcome], t(verdict.outcome.value)
    OUT.print(f"[bold {colour}]{word}[/]  {escape(t(verdict.because))}", soft_wrap=True)
    tabled = tuple(one.metric for one in verdict.comparisons if not one.at_floor)
    for reason in verdict.reasons:
        if reason != verdict.because and not reason.startswith(tabled):
            OUT.print(f"  {escape(t(reason))}", soft_wrap=True)
    print_comparisons(verdict.comparisons, a=verdict.a, b=verdict.b)
    for metric in verdict.shown:
        means = [f"{arm.name} {arm.scores[metric].score:.4g}" for arm in verdict.arms if metric in arm.scores]
        OUT.print(f"  {escape(metric)}: {escape(', '.join(means))}", soft_wrap=True)
    OUT.print(f"→ {folder / 'verdict.html'}")
