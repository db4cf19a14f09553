"""Messages of channels until they are answered, what was said before, and what of the catalogue they name: the database's side of channels."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg.types.json import Jsonb

from afina.channels import Event, Incoming
from afina.records import Product
from afina.serve.storable import bounded, cleaned, storable
from afina.signals.turn import fold
from afina.store.named import read_queries
from afina.store.pool import Connection

QUERIES = read_queries("afina.serve", "inbox.sql")
NONCE = 12
MOST_ATTEMPTS, LEASE_S, SOME = 5, 180, 10
NEWEST = 6
"""Exchanges of a conversation that a model is told."""
MOST_PRODUCTS, LEAST_WORD = 3, 3
SMALL = frozenset({
    "que", "cual", "cuanto", "cuanta", "como", "donde", "hay", "una", "uno", "unos", "unas", "los", "las", "del", "por", "para",
    "con", "sin", "tienen", "tiene", "tienes", "quiero", "busco", "necesito", "precio", "vale", "cuesta", "hola", "esta", "este",
    "estan", "mes", "dia", "dias", "hoy", "envio", "envios", "despacho", "despachan", "gracias", "chile", "todo", "toda", "mas",
    "muy", "soy", "buenas", "the", "and", "for", "you", "have", "how", "much", "does", "what",
})  # fmt: skip
"""Words of questions that name no product."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer(Product):
    """A product that a message may mean."""

    named: bool = False
    """By its name, not only by words of its description."""

    def told(self) -> str:
        """As a model reads it."""
        price = (
            ""
            if self.price is None
            else f": ${self.price:,.0f}".replace(",", ".")
            if self.currency == "CLP"
            else f": {self.price:g} {self.currency}"
        )
        stock = "" if self.stock is None else " (agotado)" if self.stock <= 0 else f" ({self.stock} en stock)"
        return f"{self.name} [{self.id}]{price}{stock}. {self.description} {self.url}".strip()


def take_in(session: Connection, channel: str, name: str, one: Incoming, seal: AESGCM) -> bool:
    """Keep a message until it is answered, under a name that says nothing of who sent it. False where it was there already."""
    clean = cleaned(asdict(one), 10)
    nonce = secrets.token_bytes(NONCE)
    sealed = nonce + seal.encrypt(nonce, json.dumps(clean).encode(), None)
    return session.execute(QUERIES["take_in"], {"channel": channel, "message": name, "sealed": sealed}).rowcount == 1


def claim_left(session: Connection, seal: AESGCM, *, busy: Sequence[str]) -> list[tuple[str, str, Incoming]]:
    """Messages that were left unanswered, each with its channel and name; those that this process has at hand (`busy`) aside. What cannot be read
    (another key, another version's form) is noted and never tried again.
    """
    values = {"most": MOST_ATTEMPTS, "lease": LEASE_S, "some": SOME, "busy": list(busy)}
    found = []
    for row in session.execute(QUERIES["claim_left"], values).fetchall():
        raw, channel, name = bytes(row["sealed"]), row["channel"], row["message_id"]
        try:
            found.append((channel, name, Incoming(**json.loads(seal.decrypt(raw[:NONCE], raw[NONCE:], None)))))
        except (InvalidTag, ValueError, TypeError) as exc:
            values_of = {"channel": channel, "message": name, "error": f"not readable: {type(exc).__name__}", "most": 0}
            session.execute(QUERIES["failed"], values_of)
    return found


def begin(session: Connection, channel: str, name: str) -> None:
    """Somebody answers it now: another gateway leaves it alone for a while."""
    session.execute(QUERIES["begun"], {"channel": channel, "message": name})


def settle(session: Connection, channel: str, name: str, error: str = "") -> None:
    """A message was answered, or could not be."""
    values = {"channel": channel, "message": name, "error": error[:500], "most": MOST_ATTEMPTS}
    session.execute(QUERIES["failed" if error else "answered"], values)


def answer_of(session: Connection, channel: str, name: str) -> str:
    """What a message was answered with; "" where it was not, or not yet."""
    row = session.execute(QUERIES["answer_of"], {"channel": channel, "message": name}).fetchone()
    return str(row["answer"]) if row else ""


def note_events(session: Connection, channel: str, events: Sequence[Event]) -> None:
    """Record what channels say besides messages, each once."""
    with session.cursor() as cursor:
        cursor.executemany(
            QUERIES["note_event"],
            [
                {
                    "channel": channel,
                    "event": storable(one.id)[:500],
                    "kind": one.kind,
                    "detail": Jsonb(bounded(one.detail)),
                }
                for one in events
            ],
        )


def history(session: Connection, conversation: str) -> list[dict[str, str]]:
    """What was said last, as messages of a chat."""
    rows = session.execute(QUERIES["history"], {"conversation": conversation, "newest": NEWEST}).fetchall()
    return [
        {"role": role, "content": row[name]}
        for row in rows
        for role, name in (("user", "text"), ("assistant", "answer"))
        if row[name]
    ]


def products(session: Connection, text: str) -> list[Offer]:
    """What of the catalogue a message names: any of its longer words, by its beginning, so that plurals are found."""
    words = {w for w in "".join(c if c.isalnum() else " " for c in fold(text)).split() if len(w) >= LEAST_WORD}
    stems = sorted({stem(word) for word in words - SMALL})[:30]
    if not stems:
        return []
    query = " | ".join(f"{one}:*" for one in stems)
    rows: list[dict[str, Any]] = session.execute(
        QUERIES["products"], {"query": query, "most": MOST_PRODUCTS}
    ).fetchall()
    names = [name for name in Offer.__dataclass_fields__ if name != "facts"]
    return [Offer(**{name: row[name] for name in names}) for row in rows]


def stem(word: str) -> str:
    """A word without the ending of a Spanish or English plural."""
    for ending in ("es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= LEAST_WORD:
            return word.removesuffix(ending)
    return word
