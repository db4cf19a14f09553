"""A training plan as people read it."""

from rich.table import Table

from afina.cli.terminal import OUT
from afina.texts import t
from afina.train.plan import Plan
from afina.train.rates import Rates

GB = 1e9


def duration(seconds: float) -> str:
    """Seconds, minutes or hours, whichever reads best."""
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def print_plan(plan: Plan) -> None:
    """What it takes, every way to do it, what to change."""
    saved = 1 - plan.packed_per_step / plan.tokens_per_step
    OUT.print(
        f"{plan.weights / 1e6:,.0f} M weights, {plan.adapter_weights / 1e6:.1f} M trained · {plan.examples} examples, "
        f"{plan.steps} steps of {plan.tokens_per_step} tokens, {saved:.0%} of them shared · {plan.gflops:.0f} GFLOP/s, {plan.compute}"
    )
    table = Table(
        "", t("base kept as"), t("recompute"), t("a step"), t("in all"), t("memory"), box=None, pad_edge=False
    )
    for way in plan.ways:
        table.add_row(
            "→" if way == plan.way else "" if way.ram_bytes <= plan.memory_bytes else "✗",
            way.storage,
            t("yes") if way.checkpointing else t("no"),
            duration(way.step_s),
            duration(way.step_s * plan.steps),
            f"{way.ram_bytes / GB:.1f} GB",
        )
    OUT.print(table)
    OUT.print(f"{t('memory available')}: {plan.memory_bytes / GB:.1f} GB · {t('disk')}: {plan.disk_bytes / GB:.2f} GB")
    for remedy in plan.remedies:
        OUT.print(f"· {remedy}")


def print_rates(found: Rates) -> None:
    """Each rate's held-out loss, the best marked, and what to set."""
    table = Table("", t("learning rate"), t("held-out loss"), box=None, pad_edge=False)
    table.add_row("", t("before training"), f"{found.before:.4f}")
    for trial in found.trials:
        loss = f"{trial.loss:.4f}" if trial.loss is not None else t("diverged")
        table.add_row("→" if trial.rate == found.best else "", f"{trial.rate:g}", loss)
    OUT.print(table)
    OUT.print(f"training.learning_rate = {found.best:g} · {t('a long run wants the same or a little less')}")
