"""The flags of a file and a task."""

import pytest

from afina.cli.task_flags import flags_of, label_columns
from afina.errors import InputError


def test_a_comma_parts_fields_and_a_plus_joins_columns() -> None:
    """An empty or repeated name is refused."""
    assert label_columns("a, b + c") == ("a", "b+c")
    for wrong in ("a,,b", "a,a", "a+", ""):
        with pytest.raises(InputError, match="an empty or repeated column name"):
            label_columns(wrong)


@pytest.mark.parametrize("scrub", [None, True, False])
def test_personal_data_stay_only_where_that_is_said(scrub: bool | None) -> None:
    """Without the flag the settings decide."""
    given = dict.fromkeys(
        ("kind", "text", "label", "system", "instructions", "schema", "base", "quant", "canaries", "config", "minutes")
    )
    flags = flags_of({**given, "metrics": (), "recipe": "", "scrub": scrub})
    assert flags["privacy"] == ({} if scrub is None else {"scrub": scrub})
