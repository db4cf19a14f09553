"""The flags of a file and a task."""

import pytest

from afina.cli.task_flags import label_columns
from afina.errors import InputError


def test_a_comma_parts_fields_and_a_plus_joins_columns() -> None:
    """An empty or repeated name is refused."""
    assert label_columns("a, b + c") == ("a", "b+c")
    for wrong in ("a,,b", "a,a", "a+", ""):
        with pytest.raises(InputError, match="an empty or repeated column name"):
            label_columns(wrong)
