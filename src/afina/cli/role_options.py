"""Options that the commands of roles share."""

import click

from afina.flows.optimisers import OPTIMISERS
from afina.texts import t

LANGUAGES = ("en", "es")
languages_option = click.option(
    "--language",
    "languages",
    multiple=True,
    default=LANGUAGES,
    help=t("language, several if repeated (default: en and es)"),
)
optimiser_option = click.option(
    "--optimizer", "optimiser", type=click.Choice(sorted(OPTIMISERS)), default="gepa", show_default=True
)
inputs_option = click.option(
    "--inputs",
    multiple=True,
    metavar="ROLE=EXAMPLES",
    help=t("for a role that reads others: examples of each of them (default: what their bootstraps left)"),
)
seed_option = click.option("--seed", default=0, show_default=True, type=click.IntRange(0))
