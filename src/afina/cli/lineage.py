"""`why` and `reached`: along the wheel, back and forth."""

from collections import Counter
from typing import Any

import click
from rich.tree import Tree

from afina.cli.options import here, json_option
from afina.cli.terminal import OUT, escape, print_json
from afina.lineage import Node, reached, why
from afina.texts import t
from afina.wiring import open_project

SHOWN = 5
"""Records of one kind behind another that are followed; --all follows every one."""
all_option = click.option(
    "--all", "everything", is_flag=True, help=t("every record; otherwise five of a kind and how many more")
)


@click.command(
    "why",
    help=t(
        "Everything that an id came from: a served answer (its id or request id) → version → run → dataset → examples → interactions → feedback. Any id on that way, or the name of a version."
    ),
)
@click.argument("identity", metavar="ID")
@all_option
@json_option
def why_command(identity: str, everything: bool, as_json: bool) -> None:
    """Back."""
    with open_project(here()).session() as session:
        show(why(session, identity, most=0 if everything else SHOWN), everything=everything, as_json=as_json)


@click.command(
    "reached",
    help=t(
        "Everything that an id reached: feedback → interaction → examples → datasets → runs → versions and how many answers each gave. Also of a user, by the name that the channel gives them."
    ),
)
@click.argument("identity", metavar="ID")
@all_option
@json_option
def reached_command(identity: str, everything: bool, as_json: bool) -> None:
    """Forth."""
    with open_project(here()).session() as session:
        show(reached(session, identity, most=0 if everything else SHOWN), everything=everything, as_json=as_json)


def show(node: Node, *, everything: bool, as_json: bool) -> None:
    """Print the tree."""
    if as_json:
        print_json(as_value(node))
        return
    tree = Tree(line_of(node))
    grow(tree, node, everything=everything)
    OUT.print(tree)


def as_value(node: Node) -> dict[str, Any]:
    """As plain data."""
    return {"kind": node.kind, "id": node.id, "told": node.told, "behind": [as_value(one) for one in node.behind]}


def line_of(node: Node) -> str:
    """A record on one line."""
    return f"[dim]{t(node.kind)}[/] [bold]{escape(node.id)}[/]  {escape(node.told)}"


def grow(tree: Tree, node: Node, *, everything: bool) -> None:
    """The records behind a record, some of each kind."""
    counts = Counter(one.kind for one in node.behind)
    shown: Counter[str] = Counter()
    for one in node.behind:
        shown[one.kind] += 1
        if everything or shown[one.kind] <= SHOWN:
            grow(tree.add(line_of(one)), one, everything=everything)
        elif shown[one.kind] == SHOWN + 1:
            tree.add(f"[dim]{t(f'{counts[one.kind] - SHOWN} more: --all')}[/]")
