"""`verdict`: is B better than A? On anyone's score files, without database or model."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from afina.cli.options import VerdictCommand, json_option, policy_options, verdict_exit
from afina.cli.terminal import OUT, print_json
from afina.errors import InputError
from afina.records import Cause, Comparison, Decision, Outcome, Policy
from afina.texts import t
from afina.verdict.decide import decide
from afina.verdict.scores import pair_scores

EXIT_CODES = {Outcome.GO: 0, Outcome.NO_GO: 1, Outcome.CANNOT_TELL: 2}
COLOURS = {Outcome.GO: "green", Outcome.NO_GO: "red", Outcome.CANNOT_TELL: "yellow"}
FILE = click.Path(path_type=Path)


@click.command(
    "verdict",
    cls=VerdictCommand,
    help=t(
        'Two score files, rows {"id", "score"[, "metric", "group"]} on the same items: is B better than A? Exit code 0 go, 1 no-go, 2 cannot tell (too few items), 65 bad input.'
    ),
)
@click.option("--a", "a_file", required=True, type=FILE, help=t("scores of A (JSONL)"))
@click.option("--b", "b_file", required=True, type=FILE, help=t("scores of B (JSONL)"))
@policy_options(min_effect=0.0)
@click.option(
    "--guard",
    "guards",
    multiple=True,
    metavar="METRIC=MARGIN",
    help=t("a metric that must not become worse by more than the margin; all others are targets"),
)
@click.option(
    "--lower-is-better", "turned", multiple=True, metavar="METRIC", help=t("a metric of which less is better")
)
@click.option(
    "--min-items", default=30, show_default=True, type=click.IntRange(2), help=t("fewest items for a verdict")
)
@json_option
def verdict_command(
    a_file: Path,
    b_file: Path,
    alpha: float,
    min_effect: float,
    guards: tuple[str, ...],
    turned: tuple[str, ...],
    min_items: int,
    as_json: bool,
) -> None:
    """Compare."""
    with verdict_exit():
        policy = Policy(
            alpha=alpha, minimum_effect=min_effect, guards=dict(map(read_guard, guards)), min_items=min_items
        )
        decision = decide_files(a_file, b_file, policy, turned)
    if as_json:
        print_json(as_report(decision))
    else:
        print_decision(decision)
    if code := EXIT_CODES[decision.outcome]:
        raise click.exceptions.Exit(code)


def decide_files(a_file: Path, b_file: Path, policy: Policy, turned: tuple[str, ...]) -> Decision:
    """Read, check that the policy's metrics exist, decide.

    Raises:
        InputError: a file is bad, the two do not match, or a guard is no metric of theirs.
    """
    metrics = pair_scores(a_file, b_file, lower_is_better=turned)
    names = [pairs.metric for pairs in metrics]
    if unknown := sorted(policy.guards.keys() - set(names)):
        raise InputError(f"no metric {unknown[0]!r} in {a_file}", remedy=f"it has {', '.join(names)}")
    if not set(names) - policy.guards.keys():
        raise InputError("every metric is a guard", remedy="leave one as the target")
    return decide(metrics, policy)


def read_guard(text: str) -> tuple[str, float]:
    """METRIC=MARGIN.

    Raises:
        BadParameter: it is not of this form, or the margin is not positive.
    """
    metric, _, margin = text.rpartition("=")
    try:
        value = float(margin)
    except ValueError:
        value = 0.0
    if not metric or not value > 0:
        raise click.BadParameter(f"{text!r} is not METRIC=MARGIN with a margin above 0", param_hint="--guard")
    return metric, value


def as_report(decision: Decision) -> dict[str, object]:
    """The decision for a script; on top the figures of the metric that decided."""
    by_metric = {one.metric: one for one in decision.comparisons}
    first = by_metric[decision.metrics[0]]
    figures = ("n", "wins", "losses", "difference", "low", "high", "level")
    return {
        "go": decision.outcome is Outcome.GO,
        "outcome": decision.outcome.value,
        "cause": decision.cause.value,
        "metrics": list(decision.metrics),
        "p_value": first.p_worse if decision.cause is Cause.WORSE else first.adjusted,
        **{name: getattr(first, name) for name in figures},
        "reasons": list(decision.reasons),
        "comparisons": [asdict(one) for one in decision.comparisons],
    }


def print_decision(decision: Decision) -> None:
    """The outcome, why, and a row for every metric."""
    said = f"[bold {COLOURS[decision.outcome]}]{t(decision.outcome.value)}[/]  {escape(t(decision.reasons[0]))}"
    OUT.print(said, soft_wrap=True)
    print_comparisons(decision.comparisons)


def print_comparisons(comparisons: Sequence[Comparison], *, a: str = "A", b: str = "B") -> None:
    """A row for every metric; where the terminal is narrow, or there is none, a block: figures are never cut."""
    headings = [*map(t, COLUMNS[:2]), escape(a), escape(b), *map(t, COLUMNS[2:])]
    rows = [row(one) for one in comparisons]
    table = Table(box=None, header_style="bold")
    for at, heading in enumerate(headings):
        table.add_column(heading, justify="left" if at < 2 else "right", no_wrap=True)
    for cells in rows:
        table.add_row(*cells)
    if OUT.measure(table, options=OUT.options.update(max_width=1000)).maximum <= OUT.width:
        OUT.print(table)
        return
    for cells in rows:
        OUT.print(f"[bold]{cells[0]}[/] ({cells[1]}) {cells[-1]}", soft_wrap=True)
        for heading, cell in list(zip(headings, cells, strict=True))[2:-1]:
            OUT.print(f"  {heading}: {cell}", soft_wrap=True)


COLUMNS = ("metric", "role", "difference", "interval", "won", "lost", "tied", "p", "n", "passes from", "")


def row(one: Comparison) -> tuple[str, ...]:
    """One metric as text."""
    groups = f" ({one.groups})" if one.groups != one.n else ""
    return (
        escape(one.metric),
        t(one.role),
        f"{one.a:.4g}",
        f"{one.b:.4g}",
        f"{one.difference:+.4g}",
        f"{one.level:.0%}: {one.low:+.3g} … {one.high:+.3g}",
        str(one.wins),
        str(one.losses),
        str(one.ties),
        f"{one.adjusted:.2g}",
        f"{one.n}{groups}",
        f"{one.passes_from:+.2g}",
        "[green]✓[/]" if one.passed else "·",
    )
