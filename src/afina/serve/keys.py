"""Keys: who may do what, and how much. Only their hashes are kept; a key is shown once, when it is made."""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any

from afina.errors import StoreError
from afina.ids import ClientId, new_id
from afina.store.named import read_queries
from afina.store.pool import Connection, Row

QUERIES = read_queries("afina.serve", "keys.sql")
PREFIX = "afk_"


class Scope(StrEnum):
    """What a key is for. `admin` includes the others."""

    VIEW = "view"
    CHAT = "chat"
    FEEDBACK = "feedback"
    TRAINER = "trainer"
    ADMIN = "admin"


ROLES = {
    "admin": (Scope.ADMIN,),
    "reviewer": (Scope.VIEW, Scope.CHAT, Scope.FEEDBACK),
    "viewer": (Scope.VIEW,),
    "user": (Scope.CHAT, Scope.FEEDBACK),
}
"""What people are, and what their keys are for. A user's key is bound to the user (`--user`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a key may spend; None: as much as it likes."""

    requests_per_minute: int | None = None
    tokens_per_day: int | None = None

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return self.requests_per_minute is not None or self.tokens_per_day is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key without its secret."""

    id: str
    client: ClientId
    name: str
    scopes: frozenset[Scope]
    limits: Limits = Limits()
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    user: str = ""
    """The one person it speaks for; empty: whoever a request names."""

    def is_live(self, now: datetime) -> bool:
        """Whether it opens anything."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)

    def allows(self, scopes: Collection[Scope]) -> bool:
        """Whether it is for one of these."""
        return Scope.ADMIN in self.scopes or not self.scopes.isdisjoint(scopes)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """What a key is to be: for what, until when, how much, for whom."""

    name: str
    scopes: Sequence[Scope]
    days: float | None = None
    limits: Limits = Limits()
    user: str = ""


def hash_of(secret: str) -> str:
    """How a key is kept and looked up."""
    return sha256(secret.encode("utf-8", "replace")).hexdigest()


def add_key(session: Connection, new: NewKey) -> tuple[Key, str]:
    """A new key and its secret, which nobody can find out again.

    Raises:
        StoreError: a live key has this name.
    """
    secret = PREFIX + secrets.token_urlsafe(32)
    values = {
        "id": new_id("key"),
        "name": new.name,
        "hash": hash_of(secret),
        "scopes": [scope.value for scope in new.scopes],
        "expires_at": datetime.now(UTC) + timedelta(days=new.days) if new.days is not None else None,
        "requests_per_minute": new.limits.requests_per_minute,
        "tokens_per_day": new.limits.tokens_per_day,
        "user": new.user,
    }
    row = session.execute(QUERIES["add_key"], values).fetchone()
    if row is None:
        raise StoreError(f"there is a key called {new.name!r}", remedy=f"revoke it first: afina keys revoke {new.name}")
    return to_key(row), secret


def revoke_key(session: Connection, name: str) -> None:
    """End a key; whoever uses it is refused from the next second on.

    Raises:
        StoreError: no live key has this name.
    """
    if session.execute(QUERIES["revoke_key"], {"name": name}).rowcount == 0:
        raise StoreError(f"no live key is called {name!r}", remedy="`afina keys list` shows them")


def list_keys(session: Connection) -> list[Key]:
    """All of the client's keys, the newest first."""
    return [to_key(row) for row in session.execute(QUERIES["list_keys"]).fetchall()]


def keys_by_hash(session: Connection) -> dict[str, Key]:
    """Every key that was ever made, by its hash."""
    return {row["hash"]: to_key(row) for row in session.execute(QUERIES["list_keys"]).fetchall()}


def to_key(row: Row) -> Key:
    """A row as a record."""
    return Key(
        id=row["id"],
        client=ClientId(row["client_id"]),
        name=row["name"],
        scopes=frozenset(map(Scope, row["scopes"])),
        limits=Limits(requests_per_minute=row["requests_per_minute"], tokens_per_day=row["tokens_per_day"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
        user=row["user_external_id"],
    )


@dataclass(frozen=True, slots=True)
class Reservation:
    """Tokens that were set aside for one request, in the day that began at `day`."""

    key: str
    tokens: int
    day: datetime
    client: ClientId


class LimitReachedError(Exception):
    """A key has nothing left. `wait_s` is when there will be something again."""

    def __init__(self, what: str, wait_s: float) -> None:
        super().__init__(what)
        self.wait_s = wait_s


def reserve(session: Connection, key: Key, *, tokens: int) -> Reservation | None:
    """Take one request and so many tokens out of what a key has left, both or none; None where it has no budget of tokens.

    Each is one statement that checks and adds: of any number at once, as many pass as are paid for. The caller's transaction rolls both back.

    Raises:
        LimitReachedError: there is not enough left.
    """
    limits, held = key.limits, None
    if limits.requests_per_minute is not None:
        take(session, key, "requests", limits.requests_per_minute, amount=1)
    if limits.tokens_per_day is not None:
        row = take(session, key, "tokens", limits.tokens_per_day, amount=tokens)
        held = Reservation(key.id, tokens, row["starts_at"], key.client)
    return held


def take(session: Connection, key: Key, kind: str, limit: int, *, amount: int) -> Row:
    """One statement.

    Raises:
        LimitReachedError: see `reserve`.
    """
    values: dict[str, Any] = {"key": key.id, "kind": kind, "limit": limit, "amount": amount}
    row = session.execute(QUERIES[f"reserve_{kind}"], values).fetchone()
    if row is None:
        wait = session.execute(QUERIES[f"wait_{kind}"]).fetchone()
        period = "minute" if kind == "requests" else "day"
        raise LimitReachedError(
            f"this key may spend {limit:,} {kind} a {period}", float(wait["seconds"]) if wait else 60.0
        )
    return row


def release(session: Connection, held: Reservation, *, used: int) -> None:
    """Give back what a request did not need, or add what it needed beyond."""
    session.execute(QUERIES["release_tokens"], {"key": held.key, "starts_at": held.day, "change": used - held.tokens})
