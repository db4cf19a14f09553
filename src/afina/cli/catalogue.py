"""`catalogue`: what the shop sells, for channels that answer with it."""

from pathlib import Path

import click
from rich.table import Table

from afina.capture.catalogue import QUERIES, read_catalogue, save_catalogue
from afina.cli.options import here, json_option
from afina.cli.terminal import OUT, escape, print_json
from afina.texts import t
from afina.wiring import open_project

SHOWN = ("id", "name", "category", "price", "stock")


@click.group(
    "catalogue", help=t("What the shop sells: products that a message names are told to the model that answers it.")
)
def catalogue_command() -> None:
    """The group."""


@catalogue_command.command(
    "import",
    help=t(
        "Products of a .csv, .tsv, .jsonl or .json file: id (or sku, codigo), name (nombre), and optionally description, category, price, currency, stock, url; other columns are kept and searched too. A product that is known is changed."
    ),
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help=t("Delete products that the file lacks."))
@json_option
def import_catalogue(file: Path, replace: bool, as_json: bool) -> None:
    """Import."""
    products = read_catalogue(file)
    with open_project(here()).session() as session:
        counts = save_catalogue(session, products, replace=replace)
    if as_json:
        print_json(counts)
    else:
        click.echo(t("{added} new, {known} known, {deleted} deleted").format(**counts))


@catalogue_command.command("list", help=t("The products of this client."))
@json_option
def list_catalogue(as_json: bool) -> None:
    """List."""
    with open_project(here()).session() as session:
        found = session.execute(QUERIES["list_products"]).fetchall()
    if as_json:
        print_json(found)
    else:
        table = Table(box=None, pad_edge=False)
        for heading in SHOWN:
            table.add_column(t(heading))
        for row in found:
            table.add_row(
                *(
                    escape("–" if row[name] is None else f"{row[name]:g}" if name == "price" else str(row[name]))
                    for name in SHOWN
                )
            )
        OUT.print(table)
