"""Rules that a reply about money is held to: what breaks them, what does not, and what is put right."""

import pytest

from afina.signals import RULES, Checks, findings, repaired

ALL = Checks(rules=tuple(RULES), categories=("salud", "ocio"), disclaimer="No es asesoría de inversión.")


def rules_of(text: str) -> list[str]:
    """Which rules a text breaks."""
    return [finding.rule for finding in findings(text, ALL)]


@pytest.mark.parametrize(
    "text",
    [
        "Cuesta $12.990 y el envío $990.",
        "Son $1.250.000, o UF 32,5; la cuota es de 3,25 UF.",
        "Gastaste $10.000 + $5.000 = $15.000 en la categoría salud.",
        "El 29/02/2024 y el 31 de diciembre de 2026 vencen.",
        "Hay 3 de cada 10 personas, 5 de mayo, 24/7 y 1/2 taza.",
        "No te recomiendo comprar acciones: no puedo aconsejar. No es asesoría de inversión.",
        "Llegó el 14-07-2026 por $0.",
        "2 x $4.990 + $3.000 = $12.980, el 10% de $50.000 + $5.000 = $10.000 y -$500 + $1.000 = $500.",
        "Llega en 24-48 horas o 15-20 días; la regla 50/30/20 ayuda.",
        "La categoría que más creció. La categoría salud es donde más gastas.",
        "Son $1,5 millones, o $300 mil.",
        "Te recomiendo revisar tus opciones de pago. Debes tomar acciones hoy. Te conviene guardar tu bono de Navidad.",
        "",
    ],
)
def test_what_is_right_breaks_nothing(text: str) -> None:
    """Formats of Chile, sums that are right, dates that exist, advice that is refused."""
    assert rules_of(text) == []


@pytest.mark.parametrize(
    ("text", "rule", "right"),
    [
        ("Cuesta $12990.", "format.clp", "Cuesta $12.990."),
        ("Cuesta $12,990.", "format.clp", "Cuesta $12.990."),
        ("Cuesta $1,234,567.00 hoy", "format.clp", "Cuesta $1.234.567 hoy"),
        ("Cuesta $12.990,00 hoy", "format.clp", "Cuesta $12.990 hoy"),
        ("Son UF 3.5 al mes", "format.uf", "Son UF 3,5 al mes"),
        ("Son 1,200.50 UF", "format.uf", "Son 1.200,50 UF"),
        ("Va en la categoría «juegos» hoy", "category.unknown", "Va en la categoría «juegos» hoy"),
        ("$10.000 + $5.000 = $16.000", "sum.wrong", "$10.000 + $5.000 = $15.000"),
        ("$10.000 - $2.500 + $1.000 = $9.000", "sum.wrong", "$10.000 - $2.500 + $1.000 = $8.500"),
        ("Vence el 31/02/2026", "date.impossible", "Vence el 31/02/2026"),
        ("Vence el 12/13/2026", "date.impossible", "Vence el 12/13/2026"),
        ("Vence el 29 de febrero de 2026", "date.impossible", "Vence el 29 de febrero de 2026"),
        ("Vence el 3 de marzio de 2026", "month.unknown", "Vence el 3 de marzio de 2026"),
        ("Va en la categoría juegos.", "category.unknown", "Va en la categoría juegos."),
    ],
)
def test_what_is_wrong_is_found_and_put_right_where_it_is_clear(text: str, rule: str, right: str) -> None:
    """A date that does not exist stays: nobody knows which one was meant."""
    found = findings(text, ALL)

    assert [one.rule for one in found] == [rule]
    assert repaired(text, ALL) == (right, found)


def test_an_amount_that_nobody_can_read_is_only_reported() -> None:
    """12.99 may be 12 pesos or 12,990."""
    found = findings("Son $12.99", ALL)

    assert [(one.rule, one.repair) for one in found] == [("format.clp", "")]
    assert repaired("Son $12.99", ALL)[0] == "Son $12.99"


@pytest.mark.parametrize(
    "text",
    [
        "Te recomiendo comprar acciones de esa empresa",
        "Invierte todo en bitcoin.",
        "Deberías poner tus ahorros en fondos mutuos",
        "El bitcoin va a subir, no puedes perder",
    ],
)
def test_advice_to_buy_something_is_forbidden(text: str) -> None:
    """The finding says so; `refuse` gives other words in its place."""
    found = [one for one in findings(text, ALL) if one.rule == "policy.investment"]

    assert found
    assert all(one.forbids for one in found)


def test_who_speaks_of_credit_says_the_disclaimer() -> None:
    """Added once; a text that has it is left alone."""
    text = "Un crédito de consumo cobra interés."
    right = repaired(text, ALL)[0]

    assert right == "Un crédito de consumo cobra interés.\n\nNo es asesoría de inversión."
    assert findings(right, ALL) == []


def test_each_amount_is_put_right_where_it_stands() -> None:
    """The first one's digits are the beginning of the second one's; a sum is added up after its amounts."""
    assert repaired("Cuesta $1000 y el pack $10000.", ALL)[0] == "Cuesta $1.000 y el pack $10.000."
    assert repaired("$10000 + $5000 = $16000", ALL)[0] == "$10.000 + $5.000 = $15.000"


def test_long_texts_take_no_time() -> None:
    """A model that goes round in circles must not stop the gateway."""
    for text in (
        "$1 + " * 20_000,
        "$" + "1" * 100_000,
        "1 de enero " * 20_000,
        "compra " * 20_000,
        "categoría a" * 20_000,
    ):
        findings(text, ALL)
