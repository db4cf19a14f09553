"""Two answers side by side, blind: a page for people's eyes, a key that stays away from it, and what their ratings say."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, PackageLoader, StrictUndefined

from afina.files.forms import Form, Identity
from afina.store.paths import write_json, write_whole
from afina.web.verdict import texts


def draw_sides(
    rows: Sequence[Mapping[str, Any]], *, seed: str, most: int
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Rows `{"id", "question", "expected", "a", "b"}` → what the page shows, in drawn order, and item → where B is.

    Order and sides come from a hash of seed and id, so that the same page, with the same key, can be made again.
    """

    def drawn(identity: str) -> bytes:
        return blake2b(f"{seed}\n{identity}".encode(), digest_size=8).digest()

    chosen = sorted(rows, key=lambda row: drawn(row["id"]))[:most]
    key = {row["id"]: "left" if drawn(row["id"])[-1] % 2 else "right" for row in chosen}
    shown = [
        {
            "id": row["id"],
            "question": row["question"],
            "expected": row["expected"],
            "left": row["b"] if key[row["id"]] == "left" else row["a"],
            "right": row["a"] if key[row["id"]] == "left" else row["b"],
        }
        for row in chosen
    ]
    return shown, key


@dataclass(frozen=True, slots=True, kw_only=True)
class Blind:
    """Whose answers stand on a page, how sides and order are drawn, how many rows, in which language."""

    a: str
    b: str
    seed: str
    most: int = 30
    language: str = "en"


def write_sides(rows: Sequence[Mapping[str, Any]], page: Path, key_file: Path, blind: Blind) -> None:
    """Write the page and, apart from it, the key."""
    shown, key = draw_sides(rows, seed=blind.seed, most=blind.most)
    language = blind.language
    own = texts(language)
    environment = Environment(loader=PackageLoader("afina.web", "."), autoescape=True, undefined=StrictUndefined)
    mark = blake2b(json.dumps(shown, sort_keys=True).encode(), digest_size=8).hexdigest()
    # "</script>" inside of an answer must not end the page's data
    data = (
        json.dumps(shown, ensure_ascii=False)
        .replace("<", "\\u003c")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029")
    )
    text = environment.get_template("sides.html.jinja").render(texts=own, language=language, data=data, mark=mark)
    write_whole(page, text)
    write_json(key_file, {"a": blind.a, "b": blind.b, "page": mark, "b_is": key})


class Rating(Form):
    """One person's choice on one item, as the page saves it."""

    page: str
    id: Identity
    choice: Literal["left", "right", "tie"]


def unblind(ratings: Sequence[Rating], key: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """Item → (A's score, B's): 1 and 0 for the better and the other, a half each for equal.

    Raises:
        ValueError: a rating is of another page, of an unknown item, or an item has two that differ; names it.
    """
    found: dict[str, tuple[float, float]] = {}
    for row in ratings:
        if row.page != key["page"]:
            msg = f"the rating of {row.id!r} is of another page than the key"
            raise ValueError(msg)
        if row.id not in key["b_is"]:
            msg = f"{row.id!r} is no item of this key"
            raise ValueError(msg)
        score = 0.5 if row.choice == "tie" else float(row.choice == key["b_is"][row.id])
        if found.setdefault(row.id, (1 - score, score)) != (1 - score, score):
            msg = f"{row.id!r} is rated twice, and differently"
            raise ValueError(msg)
    return found
