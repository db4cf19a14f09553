"""Plots as SVG inside a page: text stays text, equal input gives equal output."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from afina.records import Comparison

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, QUIET, OWN, BAD = "#22302a", "#a9b8b0", "#1f7a4d", "#b3452f"


def svg(figure: Figure) -> str:
    """A figure as an <svg> element."""
    import matplotlib as mpl

    buffer = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "afina", "font.family": "sans-serif"}):
        figure.savefig(buffer, format="svg", bbox_inches="tight", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def plain_axes(width: float, height: float) -> tuple[Figure, Axes]:
    """A small figure without a box."""
    from matplotlib.figure import Figure  # 0.4 s: only where a page is drawn

    figure = Figure(figsize=(width, height))
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK, labelsize=9)
    return figure, axes


def plain(text: str) -> str:
    """Text that matplotlib must not read as mathematics."""
    return text.replace("$", r"\$")


def interval_bars(rows: Sequence[tuple[str, dict[str, Any], bool]], *, percent: bool) -> str:
    """Means with their intervals: (name, {score, low, high}, is ours), first row on top."""
    figure, axes = plain_axes(6.4, 0.5 * len(rows) + 0.6)
    edge = max(max(row["high"], row["score"]) for _, row, _ in rows) or 1.0
    for at, (_, row, own) in enumerate(reversed(rows)):
        axes.barh(at, row["score"], color=OWN if own else QUIET, height=0.6)
        axes.plot([row["low"], row["high"]], [at, at], color=INK, linewidth=1.5)
        shown = f"{row['score']:.1%}" if percent else f"{row['score']:.3g}"
        axes.text(max(row["high"], 0) + 0.01 * edge, at, shown, va="center", fontsize=9, color=INK)
    axes.set_yticks(range(len(rows)), [plain(name) for name, _, _ in reversed(rows)])
    if percent:
        axes.set_xlim(0, 1.1)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1.0], ["0", "25 %", "50 %", "75 %", "100 %"])
    return svg(figure)


def differences(rows: Sequence[Comparison], marks: dict[str, float], name: Callable[[str], str] = str) -> str:
    """Forest plot: the difference of every measure with its interval, zero, and a mark: the least gain, or a guard's margin.

    Each row is scaled by its own widest end, because measures have units of their own; the numbers stand beside.
    """
    figure, axes = plain_axes(6.4, 0.5 * len(rows) + 0.5)
    for at, row in enumerate(reversed(rows)):
        mark = marks.get(row.metric, 0.0)
        scale = max(abs(row.low), abs(row.high), abs(mark)) or 1.0
        colour = OWN if row.passed else BAD if row.high < 0 else QUIET
        axes.plot([row.low / scale, row.high / scale], [at, at], color=colour, linewidth=3, solid_capstyle="butt")
        axes.plot(row.difference / scale, at, "o", color=INK, markersize=5)
        if mark:
            axes.plot([mark / scale] * 2, [at - 0.3, at + 0.3], color=BAD, linestyle="--", linewidth=1.2)
        axes.text(
            1.08,
            at,
            f"{row.difference:+.3g}  ({row.low:+.3g} … {row.high:+.3g})",
            va="center",
            fontsize=9,
            color=INK,
        )
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_xlim(-1.05, 1.05)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    axes.set_yticks(range(len(rows)), [plain(name(row.metric)) for row in reversed(rows)])
    return svg(figure)


def label_changes(rows: Sequence[dict[str, Any]]) -> str:
    """F1 of every label: A's as a grey point, B's as an arrow's head, green for a gain, red for a loss."""
    figure, axes = plain_axes(6.4, 0.28 * len(rows) + 0.6)
    for at, row in enumerate(reversed(rows)):
        colour = OWN if row["b"] >= row["a"] else BAD
        axes.plot([row["a"], row["b"]], [at, at], color=colour, linewidth=2)
        axes.plot(row["a"], at, "o", color=QUIET, markersize=5)
        axes.plot(row["b"], at, ">" if row["b"] >= row["a"] else "<", color=colour, markersize=6)
    axes.set_yticks(range(len(rows)), [plain(f"{row['label']} ({row['n']})") for row in reversed(rows)])
    axes.set_xlim(-0.03, 1.03)
    return svg(figure)


def confusion_grid(labels: Sequence[str], counts: Sequence[Sequence[int]]) -> str:
    """Counts as shades of a row's share, with the number inside."""
    size = 0.34 * len(labels) + 1.2
    figure, axes = plain_axes(size, size)
    shares = [[cell / (sum(row) or 1) for cell in row] for row in counts]
    axes.imshow(shares, cmap="Greens", vmin=0, vmax=1)
    for y, row in enumerate(counts):
        for x, cell in enumerate(row):
            if cell:
                axes.text(
                    x, y, str(cell), ha="center", va="center", fontsize=7, color="white" if shares[y][x] > 0.6 else INK
                )
    names = [plain(label) for label in labels]
    axes.set_xticks(range(len(labels)), names, rotation=90, fontsize=7)
    axes.set_yticks(range(len(labels)), names, fontsize=7)
    return svg(figure)


def reliability_plot(bins: Sequence[dict[str, Any]]) -> str:
    """Confidence against the share that was right; the size of a point is the number of answers."""
    figure, axes = plain_axes(3.4, 3.2)
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1)
    total = sum(b["n"] for b in bins) or 1
    for b in bins:
        axes.plot(b["confidence"], b["accuracy"], "o", color=OWN, markersize=3 + 14 * (b["n"] / total) ** 0.5)
    axes.set_xlim(-0.03, 1.03)
    axes.set_ylim(-0.03, 1.03)
    axes.set_xticks([0, 0.5, 1.0], ["0", "50 %", "100 %"])
    axes.set_yticks([0, 0.5, 1.0], ["0", "50 %", "100 %"])
    return svg(figure)
