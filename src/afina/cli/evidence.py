"""`evidence`: is there enough that is new?"""

from dataclasses import asdict

import click

from afina.cli.options import here, json_option
from afina.cli.terminal import OUT, print_json
from afina.flows.evidence import new_evidence
from afina.texts import t
from afina.wiring import open_project


@click.command(
    "evidence",
    help=t(
        "What was curated since the last dataset: new rows, how far the classes have drifted, classes that were never trained on; and whether it is enough to train again ([loop] min_new_rows, max_drift, min_uncovered). Run `afina curate` first. Exit code 0 = enough, 2 = not enough."
    ),
)
@json_option
def evidence_command(as_json: bool) -> None:
    """Count."""
    found = new_evidence(open_project(here()))
    if as_json:
        print_json(asdict(found))
    else:
        OUT.print(f"{t('last dataset'):<16} {found.dataset or '–'}")
        OUT.print(f"{t('new rows'):<16} {found.rows:,} ({found.share:.0%})")
        OUT.print(f"{t('drift'):<16} {found.drift:.0%} (p = {found.drift_p:.2g})")
        for name, rows in found.uncovered.items():
            OUT.print(f"{t('never trained on'):<16} {name}: {rows}", markup=False)
        OUT.print(f"[bold]{t(found.because)}[/]", soft_wrap=True)
    if not found.enough:
        raise click.exceptions.Exit(2)
