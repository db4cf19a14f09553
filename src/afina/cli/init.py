"""`init`."""

import click
import tomlkit

from afina.cli.options import here
from afina.cli.terminal import OUT
from afina.errors import SettingsError
from afina.settings import SETTINGS_FILE, read_recipe
from afina.store.paths import write_whole
from afina.texts import t

TEMPLATE = """\
# Settings of this project. Everything else has a default: docs/reference/settings.md
recipe = "{recipe}"                         # what is learnt and when it is good enough; `afina recipes` lists them

[project]
client = "default"                            # whose data this is

[task]
kind = "{kind}"{fields}

[base]
model = "semilla"                             # or a .gguf file, "ollama:NAME", "smollm2", a folder, a hub id

[store]
url = ""                                      # empty: the embedded PostgreSQL of this project
"""


@click.command(
    "init",
    help=t(
        "Make this folder a project: writes afina.toml. Data will live in .afina/ beside it. --recipe says what is learnt."
    ),
)
@click.option(
    "--recipe", default="corrections", show_default=True, help=t("a recipe's name or TOML file (`afina recipes`)")
)
def init_command(recipe: str) -> None:
    """Write the settings file."""
    path = here() / SETTINGS_FILE
    if path.exists():
        raise SettingsError(f"{path} is there already", remedy="edit it, or run `afina up`")
    task = read_recipe(recipe).sections.get("task", {})
    fields = (
        f"\nfields = {tomlkit.item(list(task['fields'])).as_string()}     # what a message is classified by"
        if "fields" in task
        else ""
    )
    write_whole(path, TEMPLATE.format(recipe=recipe, kind=task.get("kind", "classify"), fields=fields))
    OUT.print(f"{path}\n→ afina import FILE")
