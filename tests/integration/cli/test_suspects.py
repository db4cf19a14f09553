"""`afina suspects`."""

import json
from pathlib import Path

from click.testing import CliRunner

from afina.cli.suspects import suspects_command
from afina.flows.project import Project


def test_of_a_file(people: Project, tmp_path: Path) -> None:
    """Every row with its line, the most doubtful first."""
    del people
    rows = [f"quiero pagar la cuota {n},pago" for n in range(20)] + [f"no llega el camión {n},envio" for n in range(20)]
    (tmp_path / "a.csv").write_text(
        "text,label\n" + "\n".join([*rows, "quiero pagar la cuota 77,envio"]) + "\n", "utf-8"
    )
    run = CliRunner().invoke

    found = json.loads(run(suspects_command, ["--input", str(tmp_path / "a.csv"), "--json"]).stdout)
    assert (found["suspects"][0]["line"], found["suspects"][0]["suggested"]) == (42, "pago")
    assert len(found["suspects"]) == 41
    assert "pago" in run(suspects_command, ["--input", str(tmp_path / "a.csv"), "--top", "1"]).output
