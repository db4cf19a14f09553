"""Names."""

from afina.flows.learn import safe_name


def test_names_are_safe() -> None:
    """Fit for a file and for a model's name."""
    assert safe_name("Mis Datos (2).v1") == "mis-datos--2--v1"
    assert safe_name("日本") == "model"
