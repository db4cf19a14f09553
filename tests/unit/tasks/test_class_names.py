"""Classes that may be one are pointed out with their lines."""

import pytest

from afina.tasks.class_names import class_name_notices


@pytest.mark.parametrize(
    ("one", "other"),
    [("Pago", "pago"), ("envío", "envio"), ("1", "1.0"), ("true", "1"), ("TRUE", "true"), ("0", "false")],
)
def test_variants_are_named_with_lines(one: str, other: str) -> None:
    """Nobody but the owner knows whether they are meant as one."""
    (notice,) = class_name_notices([(2, {"x": one}), (3, {"x": other}), (4, {"x": "saludo"})])

    assert f"{one!r} (line 2)" in notice
    assert f"{other!r} (line 3)" in notice


@pytest.mark.parametrize("name", ["NaN", "null", "None", "n/a"])
def test_missing_values_are_named(name: str) -> None:
    """A column of a data frame writes its gaps as words."""
    (notice,) = class_name_notices([(line, {"x": name}) for line in range(2, 12)] + [(99, {"x": "pago"})])

    assert "10 rows, lines 2, 3, 4, 5, 6 …" in notice
    assert "missing value" in notice


def test_ordinary_classes_are_silent() -> None:
    """Blanks around a label make no second class, so there is nothing to say."""
    assert not class_name_notices([(2, {"x": "pago"}), (3, {"x": " pago "}), (4, {"x": "precio", "y": "1"})])
