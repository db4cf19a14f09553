"""`rate`: what people's eyes say."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import fmean
from typing import Any

import click
from rich.markup import escape

from afina.cli.options import VerdictCommand, json_option, verdict_exit
from afina.cli.terminal import OUT, print_json
from afina.cli.verdict import COLOURS, EXIT_CODES, print_comparisons
from afina.errors import InputError
from afina.files.forms import read_forms
from afina.records import Policy
from afina.store.paths import read_json
from afina.texts import t
from afina.verdict.decide import decide
from afina.verdict.scores import Scores, pair_all
from afina.web.sides import Rating, unblind

FILE = click.Path(path_type=Path)
Rated = dict[str, tuple[float, float]]
"""Item → A's and B's share of one person's rating."""


@click.command(
    "rate",
    cls=VerdictCommand,
    epilog="afina rate --ratings ana.jsonl --ratings luis.jsonl --key side-by-side.key.json",
    help=t(
        "What people's eyes say: ratings saved from a side-by-side page, with its key. Exit code 0 go, 1 no-go, 2 cannot tell, 65 an error."
    ),
)
@click.option(
    "--ratings", "files", multiple=True, required=True, type=FILE, help=t("saved by the page; one for each person")
)
@click.option("--key", required=True, type=FILE, help=t("side-by-side.key.json"))
@click.option(
    "--min-items", default=10, show_default=True, type=click.IntRange(2), help=t("fewest items for a verdict")
)
@json_option
def rate_command(files: tuple[Path, ...], key: Path, min_items: int, as_json: bool) -> None:
    """Unblind and count. Several people's ratings of one item are one group: they are not independent."""
    with verdict_exit():
        secret = read_key(key)
        people = read_people(files, secret)
        sides: tuple[Scores, Scores] = ({"preference": {}}, {"preference": {}})
        for at, rated in enumerate(people):
            for item, shares in rated.items():
                for scores, share in zip(sides, shares, strict=True):
                    scores["preference"][f"{at}/{item}"] = (share, item)
        pairs = pair_all(*sides, a_name=secret["a"], b_name=secret["b"])
        decision = decide(pairs, Policy(min_items=min_items), a=secret["a"], b=secret["b"])
    counted = {str(file): count(rated) for file, rated in zip(files, people, strict=True)}
    agreed = agreement(people)
    if as_json:
        arms = {"a": secret["a"], "b": secret["b"]}
        found = {"outcome": decision.outcome.value, "because": decision.reasons[0], "arms": arms}
        print_json({**found, "people": counted, "agreement": agreed, "comparison": asdict(decision.comparisons[0])})
    else:
        for file, one in counted.items():
            preferred = f"{secret['b']} {one['b']}, {secret['a']} {one['a']}, {t('equal')} {one['equal']}"
            OUT.print(f"{escape(file)}: {escape(preferred)}")
        if agreed is not None:
            OUT.print(f"{t('of what two people rated, they agree on')} {agreed:.0%}")
        said = f"[bold {COLOURS[decision.outcome]}]{t(decision.outcome.value)}[/]  {escape(t(decision.reasons[0]))}"
        OUT.print(said, soft_wrap=True)
        print_comparisons(decision.comparisons, a=secret["a"], b=secret["b"])
    if code := EXIT_CODES[decision.outcome]:
        raise click.exceptions.Exit(code)


def read_key(file: Path) -> dict[str, Any]:
    """The key of a side-by-side page.

    Raises:
        InputError: it is another file.
    """
    found = read_json(file)
    names = ("a", "b", "page")
    if (
        not isinstance(found, dict)
        or not isinstance(found.get("b_is"), dict)
        or any(not isinstance(found.get(n), str) for n in names)
    ):
        raise InputError(f"{file}: no key of a side-by-side page", remedy="it is called side-by-side.key.json")
    return found


def read_people(files: Sequence[Path], secret: dict[str, Any]) -> list[Rated]:
    """Every person's ratings.

    Raises:
        InputError: one file twice, or ratings that are none of this key's page; names the file.
    """
    people: list[Rated] = []
    contents: dict[bytes, Path] = {}
    for file in files:
        rows = [row for _, row in read_forms(Rating, file)]
        if other := contents.get(file.read_bytes()):
            raise InputError(f"{file} holds the same ratings as {other}", remedy="one file for each person")
        contents[file.read_bytes()] = file
        try:
            people.append(unblind(rows, secret))
        except ValueError as exc:
            raise InputError(f"{file}: {exc}") from exc
    return people


def count(rated: Rated) -> dict[str, int]:
    """How often one person preferred whom."""
    scores = [b for _, b in rated.values()]
    return {"a": scores.count(0.0), "b": scores.count(1.0), "equal": scores.count(0.5)}


def agreement(people: Sequence[Rated]) -> float | None:
    """Share of the pairs of ratings of one item that say the same; None where no item was rated twice."""
    same = [
        float(one[item] == other[item])
        for at, one in enumerate(people)
        for other in people[at + 1 :]
        for item in one.keys() & other.keys()
    ]
    return fmean(same) if same else None
