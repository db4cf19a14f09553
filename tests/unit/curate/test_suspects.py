"""Labels that are probably wrong."""

import random

import pytest

from afina.curate.suspects import rank_labels
from afina.errors import NotEnoughDataError

WORDS = {
    "pago": ["pagar", "tarjeta", "cuota", "cobro", "boleta", "factura", "transferencia"],
    "envio": ["despacho", "pedido", "llega", "camión", "dirección", "courier", "retraso"],
    "clave": ["contraseña", "clave", "entrar", "cuenta", "bloqueada", "correo", "acceso"],
}


def labelled(count: int) -> tuple[list[str], list[str]]:
    """Messages of three topics."""
    rng = random.Random(1)
    labels = [rng.choice(list(WORDS)) for _ in range(count)]
    return [" ".join(rng.choices(WORDS[label], k=5)) for label in labels], labels


def test_flipped_labels_stand_first_with_the_right_one_beside_them() -> None:
    """Fifteen of three hundred."""
    texts, right = labelled(300)
    flipped = set(range(0, 300, 20))
    given = [
        "envio" if at in flipped and label == "pago" else "pago" if at in flipped else label
        for at, label in enumerate(right)
    ]

    ranked = rank_labels(texts, given)

    assert {one.row for one in ranked[:15]} == flipped
    assert all(one.suggested == right[one.row] for one in ranked[:15])
    assert sum(one.doubted for one in ranked[:15]) >= 13
    assert not any(one.doubted for one in ranked[15:])
    assert len(ranked) == 300


def test_classes_of_one_row_are_left_out_and_one_class_is_refused() -> None:
    """No model can be asked about a class that it did not see."""
    texts, labels = labelled(60)

    assert len(rank_labels([*texts, "otra cosa"], [*labels, "única"])) == 60
    with pytest.raises(NotEnoughDataError, match="at least two classes"):
        rank_labels(["a", "b"], ["x", "x"])
