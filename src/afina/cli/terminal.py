"""What a person sees: stages with progress and ETA, tables, errors."""

import json
import sys
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from afina.cli.words import t
from afina.errors import AfinaError
from afina.loop import Silent, Stages

OUT = Console(highlight=False)
ERR = Console(stderr=True, highlight=False)


class TerminalNarrator:
    """A line a stage; a live bar with ETA while it runs, when there is a terminal."""

    def __init__(self, console: Console = ERR) -> None:
        self.console = console
        self.bar: Progress | None = None
        self.row: TaskID | None = None
        self.stage = ""

    def begin(self, stage: str) -> None:
        """Open the bar."""
        self.stage = stage
        self.bar = Progress(
            SpinnerColumn(), TextColumn("{task.description:<10}"), BarColumn(bar_width=28), MofNCompleteColumn(),
            TimeElapsedColumn(), TextColumn("ETA"), TimeRemainingColumn(), TextColumn("[dim]{task.fields[note]}"),
            console=self.console, transient=True,
        )  # fmt: skip
        self.row = self.bar.add_task(t(stage), total=None, note="")
        if self.console.is_terminal:
            self.bar.start()
        else:
            self.console.print(f"… {t(stage)}")

    def progress(self, done: int, total: int, note: str = "") -> None:
        """Move the bar."""
        if self.bar is not None and self.row is not None:
            self.bar.update(self.row, completed=done, total=total, note=t(note))

    def close(self) -> None:
        """Take the bar away."""
        if self.bar is not None and self.console.is_terminal:
            self.bar.stop()
        self.bar = None

    def end(self, note: str, seconds: float) -> None:
        """One line that stays."""
        self.close()
        self.console.print(f"[green]✓[/] {t(self.stage):<10} {note}  [dim]{seconds:.1f} s[/]")

    def fail(self) -> None:
        """One line that stays."""
        self.close()
        self.console.print(f"[red]✗[/] {t(self.stage)}")


def stages(as_json: bool = False) -> Stages:
    """Narrated stages, or silent ones when a script reads the output."""
    return Stages(Silent() if as_json else TerminalNarrator())


def show_error(error: AfinaError) -> None:
    """What is wrong, and what to do."""
    ERR.print(f"[bold red]{t('error')}:[/] {escape(str(error))}", soft_wrap=True)
    if error.remedy:
        ERR.print(f"  → {escape(error.remedy)}", soft_wrap=True)


def escape(text: str) -> str:
    """Text that rich must not read as markup."""
    return text.replace("[", "\\[")


def print_json(value: Any) -> None:
    """Plain JSON on standard output, for scripts."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")


def score_cell(arm: dict[str, Any]) -> str:
    """Score with its 95 % interval, in per cent."""
    return f"{arm['score']:.1%}  [dim]{arm['low']:.1%} – {arm['high']:.1%}[/]"


def report_table(entry: dict[str, Any]) -> Table:
    """Base, yardsticks and tuned model side by side, in the task's own measure."""
    return replies_table(entry) if entry.get("metric") == "chrf" else labels_table(entry)


def replies_table(entry: dict[str, Any]) -> Table:
    """A chat task: how near replies are to what was really answered, and how likely that was to the model."""
    table = Table(title=f"{entry['task']}: {entry['tuned']['n']} {t('held-out replies')}", title_justify="left")
    for column in ("model", "chrF (95 %)", "log p/token", "tokens/s", "RAM", "size"):
        table.add_column(t(column), justify="left" if column == "model" else "right")
    for name, arm in [("base", entry["base"]), *entry["yardsticks"].items(), ("tuned", entry["tuned"])]:
        own = name == "tuned"
        likelihood = arm["log_likelihood"]
        table.add_row(
            f"[bold]{t(name)}[/]" if own else t(name),
            f"{100 * arm['score']:.1f} [dim]{100 * arm['low']:.1f}–{100 * arm['high']:.1f}[/]",
            f"{likelihood['score']:.2f}" if likelihood else "",
            f"{entry['tokens_per_s']:.0f}" if own else "",
            f"{entry['peak_rss_mb']:.0f} MB" if own else "",
            f"{entry['gguf_bytes'] / 1e6:.1f} MB {entry['quantisation']}" if own else "",
        )
    return table


def print_replies(entry: dict[str, Any]) -> None:
    """Some held-out messages with what was really answered, what the base and what the tuned model wrote."""
    for reply in entry.get("replies", ())[:2]:
        for name in ("message", "expected", "base", "tuned"):
            OUT.print(f"  [dim]{t(name):>9}[/]  {escape(' '.join(reply[name].split()))[:160]}", soft_wrap=True)
        OUT.print()


def labels_table(entry: dict[str, Any]) -> Table:
    """A classification task: all fields right, macro-F1."""
    table = Table(title=f"{entry['task']}: {entry['tuned']['n']} {t('held-out messages')}", title_justify="left")
    for column in ("model", "all fields right (95 %)", "macro-F1", "tokens/s", "RAM", "size"):
        table.add_column(t(column), justify="left" if column == "model" else "right")
    arms = [("base", entry["base"]), *entry["yardsticks"].items(), ("tuned", entry["tuned"])]
    for name, arm in arms:
        own = name == "tuned"
        table.add_row(
            f"[bold]{t(name)}[/]" if own else t(name),
            score_cell(arm),
            f"{arm['macro_f1']['score']:.3f}",
            f"{entry['tokens_per_s']:.0f}" if own else "",
            f"{entry['peak_rss_mb']:.0f} MB" if own else "",
            f"{entry['gguf_bytes'] / 1e6:.1f} MB {entry['quantisation']}" if own else "",
        )
    return table


def print_report(report: dict[str, Any]) -> None:
    """Every task's table and verdict."""
    for entry in report["tasks"]:
        OUT.print(report_table(entry))
        print_replies(entry)
        colour = "green" if entry["verdict"] == "go" else "yellow"
        OUT.print(f"[bold {colour}]{t('verdict')}: {entry['verdict']}[/]  (p = {entry['p_value']:.2g})")
        for reason in [*entry["reasons"], *entry.get("notices", ())]:
            OUT.print(f"  {escape(reason)}", soft_wrap=True)
