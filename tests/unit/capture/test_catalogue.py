"""A shop's file as products."""

import json
from pathlib import Path

import pytest

from afina.capture.catalogue import read_catalogue
from afina.errors import InputError


def written(folder: Path, name: str, content: str) -> Path:
    """A file."""
    path = folder / name
    path.write_text(content, "utf-8")
    return path


def test_columns_as_shops_call_them(tmp_path: Path) -> None:
    """Spanish names, prices with points, semicolons, and a column of their own."""
    path = written(tmp_path, "a.csv", "SKU;Nombre;Precio;Stock;Color\nsku-1;Taza;$12.990;3;rojo\nsku-2;Plato;5990;;\n")
    first, second = read_catalogue(path)

    assert (first.id, first.name, first.price, first.stock, first.facts) == (
        "sku-1",
        "Taza",
        12990.0,
        3,
        {"color": "rojo"},
    )
    assert (second.price, second.stock, second.facts) == (5990.0, None, {})


def test_json_lists_alone_or_below_a_name(tmp_path: Path) -> None:
    """As shop systems export them."""
    rows = [{"id": 7, "title": "Lamp", "price": 25.5, "currency": "USD"}]
    alone = read_catalogue(written(tmp_path, "a.json", json.dumps(rows)))

    assert (alone[0].id, alone[0].name, alone[0].price, alone[0].currency) == ("7", "Lamp", 25.5, "USD")
    assert read_catalogue(written(tmp_path, "b.json", json.dumps({"products": rows}))) == alone


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "id,name\n,Taza\n", "line 2: the product has no id"),
        ("a.csv", "id,name\n1,\n", "line 2: the product has no name"),
        ("a.csv", "id,name,price\n1,Taza,caro\n", "line 2: the price is 'caro'"),
        ("a.csv", "id,name,stock\n1,Taza,muchos\n", "line 2: the stock is 'muchos'"),
        ("a.csv", "id,name\n1,Taza\n1,Plato\n", "line 3: the id '1' is already on line 2"),
        ("a.json", '{"other": 1}', "expected a list of products"),
        ("a.json", "[{", "a.json"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, name: str, content: str, said: str) -> None:
    """By file, line and column."""
    with pytest.raises(InputError, match=said.replace("(", r"\(")):
        read_catalogue(written(tmp_path, name, content))
