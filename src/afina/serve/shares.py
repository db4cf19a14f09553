"""Who answered: versions of this machine or upstreams, what the latter cost, and what the former's answers would have cost there (B6)."""

from collections.abc import Iterable
from dataclasses import dataclass

from afina.serve.target import cost
from afina.settings import UpstreamSettings
from afina.store.named import read_queries
from afina.store.pool import Connection

QUERIES = read_queries("afina.serve")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """Answers of a task. `cost` and `avoided` are in the currency of the upstreams' prices; None where none has a price."""

    here: int
    elsewhere: int
    cost: float | None
    avoided: float | None

    @property
    def share_here(self) -> float | None:
        """Of all answers those that this machine gave."""
        every = self.here + self.elsewhere
        return self.here / every if every else None


def read_shares(session: Connection, *, task: str, upstreams: Iterable[UpstreamSettings]) -> Shares:
    """Of the session's client. What was avoided is counted at the prices of the first upstream that has one: it would have been asked."""
    row = session.execute(QUERIES["shares"], {"task": task}).fetchone() or {}
    priced = next((one for one in upstreams if one.price_in or one.price_out), None)
    avoided = cost(priced, row["tokens_in"], row["tokens_out"]) if priced is not None else None
    paid = float(row["cost"]) if priced is not None or row["cost"] else None
    return Shares(here=row["here"], elsewhere=row["elsewhere"], cost=paid, avoided=avoided)
