"""A shop's products: a file (CSV, TSV, JSONL, JSON) → `app.products` (document 003, B5)."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from psycopg.types.json import Jsonb

from afina.errors import InputError
from afina.files import SourceRow, read_rows
from afina.files.strict_json import JsonProblem, read_json_text
from afina.records import Product
from afina.signals.money import pesos
from afina.signals.turn import fold
from afina.store.named import read_queries
from afina.store.pool import Connection

QUERIES = read_queries("afina.capture")
NAMES = {
    "id": ("id", "sku", "codigo", "código", "productid", "product_id", "retailer_id"),
    "name": ("name", "nombre", "producto", "product", "title", "titulo", "título", "productname"),
    "description": ("description", "descripcion", "descripción", "detalle", "details"),
    "category": ("category", "categoria", "categoría", "rubro", "product_type"),
    "price": ("price", "precio", "valor", "precio_venta"),
    "currency": ("currency", "moneda"),
    "stock": ("stock", "existencias", "cantidad", "quantity", "inventory"),
    "url": ("url", "link", "enlace"),
}  # fmt: skip
"""Columns as shops' exports call them; any other column is kept among the product's facts."""


def read_catalogue(path: Path) -> list[Product]:
    """Every product of a file.

    Raises:
        InputError: a product has no id or name, an id is there twice, or a price or stock is no number; names line and column.
    """
    seen: dict[str, int] = {}
    found = []
    for row in rows_of(path):
        product = product_of(path, row)
        if product.id in seen:
            raise InputError(f"{path}, line {row.line}: the id {product.id!r} is already on line {seen[product.id]}")
        seen[product.id] = row.line
        found.append(product)
    return found


def rows_of(path: Path) -> Sequence[SourceRow]:
    """Rows of a table, or the objects of a JSON list, alone or below `products` or `items`; their number is the line."""
    if path.suffix.lower() != ".json":
        return read_rows(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        value = read_json_text(path.read_text("utf-8-sig"))
    except (JsonProblem, UnicodeDecodeError) as exc:
        raise InputError(f"{path}: {exc}") from exc
    if isinstance(value, dict):
        value = next((value[name] for name in ("products", "items", "productos") if name in value), None)
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value) or not value:
        raise InputError(
            f"{path}: expected a list of products", remedy='[{"id": "sku-1", "name": "Taza", "price": 5990}]'
        )
    return [SourceRow(number, one) for number, one in enumerate(value, start=1)]


def product_of(path: Path, row: SourceRow) -> Product:
    """One row.

    Raises:
        InputError: see above.
    """
    columns = {str(name).strip().lower(): value for name, value in row.values.items()}
    named = {
        field: next((columns.pop(name) for name in names if name in columns), None) for field, names in NAMES.items()
    }
    said = {name: "" if value is None else str(value).strip() for name, value in named.items()}
    for needed in ("id", "name"):
        if not said[needed]:
            raise InputError(
                f"{path}, line {row.line}: the product has no {needed}",
                remedy=f"a column called {' or '.join(NAMES[needed][:3])}",
            )
    return Product(
        id=said["id"],
        name=said["name"],
        description=said["description"],
        category=said["category"],
        url=said["url"],
        currency=said["currency"] or "CLP",
        price=price_of(path, row, named["price"]),
        stock=stock_of(path, row, said["stock"]),
        facts={name: value for name, value in columns.items() if value not in (None, "")},
    )


def price_of(path: Path, row: SourceRow, value: Any) -> float | None:
    """A price as it is written: 12990, "$12.990", "12.990 CLP", 25.5.

    Raises:
        InputError: it is none.
    """
    if value is None or value == "":
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return float(value)
    bare = str(value).upper().replace("CLP", "").replace("USD", "").replace("$", "").replace("PESOS", "").strip()
    whole = pesos(bare)
    if whole is not None:
        return float(whole)
    try:
        number = float(bare.replace(",", "."))
    except ValueError:
        number = -1.0
    if not 0 <= number < 1e15:
        raise InputError(f"{path}, line {row.line}: the price is {value!r}, expected a number such as 12990 or $12.990")
    return number


def stock_of(path: Path, row: SourceRow, value: str) -> int | None:
    """How many there are.

    Raises:
        InputError: it is no number.
    """
    if not value:
        return None
    try:
        return int(float(value))
    except (ValueError, OverflowError) as exc:
        raise InputError(f"{path}, line {row.line}: the stock is {value!r}, expected a number") from exc


def save_catalogue(session: Connection, products: Sequence[Product], *, replace: bool) -> dict[str, int]:
    """Add products and change those that are known; with `replace` those that the file lacks are deleted. Counts of each."""
    before = {row["id"] for row in session.execute(QUERIES["product_ids"]).fetchall()}
    with session.cursor() as cursor:
        cursor.executemany(QUERIES["save_product"], [values_of(one) for one in products])
    now = {one.id for one in products}
    gone = session.execute(QUERIES["delete_products"], {"kept": sorted(now)}).rowcount if replace else 0
    return {"added": len(now - before), "known": len(now & before), "deleted": gone}


def values_of(one: Product) -> Mapping[str, Any]:
    """A product as the query takes it."""
    text = " ".join([one.id, one.description, one.category, *map(str, one.facts.values())])
    return {
        **{
            name: getattr(one, name)
            for name in ("id", "name", "description", "category", "price", "currency", "stock", "url")
        },
        "facts": Jsonb(json.loads(json.dumps(one.facts, default=str))),
        "words": fold(text)[:20_000],
        "name_words": fold(one.name),
    }
