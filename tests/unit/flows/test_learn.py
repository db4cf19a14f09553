"""Label columns and names."""

import pytest

from afina.errors import InputError
from afina.flows.learn import label_columns, safe_name


def test_commas_part_fields_and_plus_joins_columns() -> None:
    """The form of `--label`."""
    assert label_columns("a, b + c") == ("a", "b+c")
    for wrong in ("", "a,,b", "a+", "a,a"):
        with pytest.raises(InputError):
            label_columns(wrong)


def test_names_are_safe() -> None:
    """Fit for a file and for a model's name."""
    assert safe_name("Mis Datos (2).v1") == "mis-datos--2--v1"
    assert safe_name("日本") == "model"
