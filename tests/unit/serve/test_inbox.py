"""Products as a model reads them, words as they are looked for."""

import pytest

from afina.serve.inbox import Offer, stem


def test_a_product_says_its_price_as_people_in_its_country_write_it() -> None:
    """And that there is none left."""
    mug = Offer(id="sku-7", name="Taza", description="De gres.", price=12990, stock=3)

    assert mug.told() == "Taza [sku-7]: $12.990 (3 en stock). De gres."
    assert Offer(id="1", name="Mug", price=25.5, currency="USD", stock=0).told() == "Mug [1]: 25.5 USD (agotado)."


@pytest.mark.parametrize(
    ("word", "found"),
    [("lamparas", "lampara"), ("flores", "flor"), ("gas", "gas"), ("mesa", "mesa"), ("sofas", "sofa")],
)
def test_plurals_are_looked_for_by_their_beginning(word: str, found: str) -> None:
    """Short words keep their end."""
    assert stem(word) == found
