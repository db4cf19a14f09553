"""The ledger in PostgreSQL: every verb is one transaction, confined to the client."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from afina.capture import load_exchanges, save_entries, score_reactions
from afina.capture.reactions import WHOLE
from afina.curate import judged_of, kept_examples, save_curated
from afina.export import change_card, get_base_version, get_version, next_name, register_version
from afina.freeze import Earlier, earlier_of, load_dataset, newest_dataset, once_trained, require_whole, save_dataset
from afina.ids import ClientId, DatasetId, ModelVersionId, RunId
from afina.records import (
    Curated,
    Dataset,
    Entry,
    Example,
    Exchange,
    ModelVersion,
    Rollout,
    RolloutState,
    Run,
    RunState,
    Verdict,
)
from afina.release.job import rollout_in, save_verdict, verdict_of
from afina.settings import CurateSettings
from afina.store.access import client_session
from afina.store.pool import Connection
from afina.train import get_run, move_run, newest_run, plan_run
from afina.verdict.record import from_json, to_json

AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class PostgresLedger:
    """`dsn` answers and is migrated."""

    dsn: str
    client: ClientId
    task: str

    def session(self) -> AbstractContextManager[Connection]:
        """One transaction, confined to the client."""
        return client_session(self.dsn, self.client)

    def add(self, entries: Sequence[Entry]) -> tuple[int, int]:
        """See `Ledger`."""
        with self.session() as session:
            added = save_entries(session, entries)
            score_reactions(session, [entry.interaction.conversation for entry in entries], newest=WHOLE)
            return added

    def exchanges(self, *, needs_feedback: bool) -> Iterator[Exchange]:
        """See `Ledger`."""
        with self.session() as session:
            rows = load_exchanges(session, task=self.task, needs_feedback=needs_feedback)
            while chunk := list(itertools.islice(rows, AT_ONCE)):
                judged = judged_of(session, [one.id for one in chunk], task=self.task)
                yield from (replace(one, judged=judged.get(one.id, ())) for one in chunk)

    def save_curated(self, curated: Curated, settings: CurateSettings) -> str:
        """See `Ledger`."""
        with self.session() as session:
            return save_curated(session, curated, task=self.task, settings=settings)

    def kept(self) -> list[Example]:
        """See `Ledger`."""
        with self.session() as session:
            return kept_examples(session, task=self.task)

    def earlier(self) -> Earlier:
        """See `Ledger`."""
        with self.session() as session:
            return earlier_of(session, task=self.task)

    def once_trained(self) -> list[Example]:
        """See `Ledger`."""
        with self.session() as session:
            return once_trained(session, task=self.task)

    def save_dataset(self, dataset: Dataset) -> None:
        """See `Ledger`."""
        with self.session() as session:
            save_dataset(session, dataset)

    def dataset(self, identity: DatasetId | None = None) -> Dataset:
        """See `Ledger`."""
        with self.session() as session:
            found = load_dataset(session, identity or newest_dataset(session, task=self.task))
        require_whole(found, where=f"the dataset {found.id} in the database")
        return found

    def plan_run(self, *, dataset: DatasetId, base: str, config: dict[str, Any]) -> RunId:
        """See `Ledger`."""
        with self.session() as session:
            return plan_run(session, dataset=dataset, base=base, config=config)

    def move_run(self, run: RunId, to: RunState, *, result: dict[str, Any] | None = None, error: str = "") -> None:
        """See `Ledger`."""
        with self.session() as session:
            move_run(session, run, to, result=result, error=error)

    def run(self, identity: RunId) -> Run:
        """See `Ledger`."""
        with self.session() as session:
            return get_run(session, identity)

    def newest_run(self, *states: RunState) -> Run:
        """See `Ledger`."""
        with self.session() as session:
            return newest_run(session, task=self.task, states=states)

    def next_name(self, base: str) -> str:
        """See `Ledger`."""
        with self.session() as session:
            return next_name(session, task=self.task, base=base)

    def add_version(self, version: ModelVersion) -> None:
        """See `Ledger`."""
        with self.session() as session:
            register_version(session, version)

    def change_card(self, version: ModelVersionId, card: dict[str, Any]) -> None:
        """See `Ledger`."""
        with self.session() as session:
            change_card(session, version, card)

    def version(self, name: str | None = None) -> ModelVersion:
        """See `Ledger`."""
        with self.session() as session:
            return get_version(session, name, task=self.task)

    def base_version(self, *, base: str, quantisation: str, prompt: str) -> ModelVersion | None:
        """See `Ledger`."""
        with self.session() as session:
            found = get_base_version(session, task=self.task, base=base, quantisation=quantisation)
        return found if found and found.card.get("prompt", "") == prompt else None

    def in_production(self) -> Rollout | None:
        """See `Ledger`."""
        with self.session() as session:
            return rollout_in(session, task=self.task, state=RolloutState.PRODUCTION)

    def save_verdict(self, verdict: Verdict, version: ModelVersionId, dataset: DatasetId) -> None:
        """See `Ledger`."""
        with self.session() as session:
            save_verdict(session, to_json(verdict), version=version, dataset=dataset)

    def verdict(self, version: ModelVersionId) -> Verdict | None:
        """See `Ledger`."""
        with self.session() as session:
            found = verdict_of(session, version)
        return None if found is None else from_json(found, where=f"the verdict about {version}")
