"""The ledger in a folder: one JSON file a record, written whole. What a file brings in is read again each time."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from afina.errors import StoreError
from afina.freeze import Earlier, require_whole
from afina.ids import ClientId, DatasetId, ModelVersionId, RunId, base_name, new_id
from afina.records import (
    Curated,
    Dataset,
    Entry,
    Example,
    Exchange,
    ModelVersion,
    Rollout,
    Run,
    RunState,
    Turn,
    Verdict,
)
from afina.settings import CurateSettings
from afina.store.paths import Paths, read_json, write_json, write_whole
from afina.train import sources
from afina.verdict.record import read_verdict, write_verdict

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class FolderLedger:
    """`paths` lays the folder out as a project's."""

    paths: Paths
    client: ClientId
    task: str
    entries: dict[tuple[str, str], Entry] = field(default_factory=dict)
    """By source and id; the order is that of the decisions."""

    def add(self, entries: Sequence[Entry]) -> tuple[int, int]:
        """See `Ledger`. Rows live as long as the ledger: their file is the user's."""
        new = changed = 0
        for entry in entries:
            key = (entry.interaction.source, entry.interaction.external_id)
            old = self.entries.pop(key, None)
            new += old is None
            changed += old is not None and value_of(old) != value_of(entry)
            self.entries[key] = entry
        return new, changed

    def exchanges(self, *, needs_feedback: bool) -> list[Exchange]:
        """See `Ledger`."""
        return [to_exchange(entry) for entry in self.entries.values() if entry.feedback or not needs_feedback]

    def save_curated(self, curated: Curated, settings: CurateSettings) -> str:
        """See `Ledger`. What a file brings in is read again each time, and so it is judged."""
        del settings
        kept, rejected = [], []
        for one in curated.judged:
            if one.kept:
                kept.append(json.dumps(asdict(one.example), ensure_ascii=False) + "\n")
            else:
                rejected.append({"source": one.source, "text": one.text, "step": one.step, "reason": one.reason})
        write_whole(self.paths.examples, "".join(kept))
        write_json(self.paths.rejects, rejected)
        return ""

    def kept(self) -> list[Example]:
        """See `Ledger`."""
        if not self.paths.examples.is_file():
            return []
        lines = self.paths.examples.read_text("utf-8").split("\n")
        return [read(Example, json.loads(line), where=self.paths.examples) for line in lines if line]

    def earlier(self) -> Earlier:
        """See `Ledger`. A folder is learnt from anew each time: no part is kept."""
        return Earlier()

    def once_trained(self) -> list[Example]:
        """See `Ledger`. A folder is learnt from anew each time."""
        return []

    def save_dataset(self, dataset: Dataset) -> None:
        """See `Ledger`."""
        self.write("datasets", dataset.id, dataset)
        write_json(self.paths.record("datasets", "newest"), {"id": dataset.id})

    def dataset(self, identity: DatasetId | None = None) -> Dataset:
        """See `Ledger`."""
        newest = self.paths.record("datasets", "newest")
        if identity is None and not newest.is_file():
            raise StoreError(f"no dataset in {self.paths.data}")
        wanted = identity or read_json(newest)["id"]
        found = self.read("datasets", wanted, Dataset)
        require_whole(found, where=str(self.paths.record("datasets", wanted)))
        return found

    def plan_run(self, *, dataset: DatasetId, base: str, config: dict[str, Any]) -> RunId:
        """See `Ledger`."""
        run = Run(
            id=RunId(new_id("run")),
            client=self.client,
            dataset=dataset,
            base=base,
            state=RunState.PLANNED,
            config=config,
        )
        self.write("runs", run.id, run)
        return run.id

    def move_run(self, run: RunId, to: RunState, *, result: dict[str, Any] | None = None, error: str = "") -> None:
        """See `Ledger`."""
        found = self.run(run)
        if found.state.value not in sources(to):
            raise StoreError(f"run {run} is {found.state.value} and cannot become {to.value}")
        self.write("runs", run, replace(found, state=to, result=result or found.result, error=error))

    def run(self, identity: RunId) -> Run:
        """See `Ledger`."""
        return self.read("runs", identity, Run)

    def newest_run(self, *states: RunState) -> Run:
        """See `Ledger`."""
        for identity in reversed(self.ids("runs")):
            if (found := self.run(RunId(identity))).state in states:
                return found
        raise StoreError(f"no {' or '.join(state.value for state in states)} run in {self.paths.data}")

    def next_name(self, base: str) -> str:
        """See `Ledger`."""
        number = sum(self.read("versions", one, ModelVersion).run is not None for one in self.ids("versions")) + 1
        return f"{base_name(base)}-{self.task}:v{number}"

    def add_version(self, version: ModelVersion) -> None:
        """See `Ledger`."""
        self.write("versions", version.id, version)

    def change_card(self, version: ModelVersionId, card: dict[str, Any]) -> None:
        """See `Ledger`."""
        self.write("versions", version, replace(self.read("versions", version, ModelVersion), card=card))

    def version(self, name: str | None = None) -> ModelVersion:
        """See `Ledger`."""
        for identity in reversed(self.ids("versions")):
            found = self.read("versions", identity, ModelVersion)
            if name in {found.id, found.name} or (name is None and found.run is not None):
                return found
        raise StoreError(f"no model version {name or ''} in {self.paths.data}".replace("  ", " "))

    def base_version(self, *, base: str, quantisation: str, prompt: str) -> ModelVersion | None:
        """See `Ledger`."""
        wanted = (None, base, quantisation, prompt)
        found = [self.read("versions", identity, ModelVersion) for identity in self.ids("versions")]
        return next((v for v in found if (v.run, v.base, v.quantisation, v.card.get("prompt")) == wanted), None)

    def in_production(self) -> Rollout | None:
        """See `Ledger`. A folder serves nobody."""
        return None

    def save_verdict(self, verdict: Verdict, version: ModelVersionId, dataset: DatasetId) -> None:
        """See `Ledger`."""
        del dataset
        write_verdict(self.paths.record("verdicts", version), verdict)

    def verdict(self, version: ModelVersionId) -> Verdict | None:
        """See `Ledger`."""
        path = self.paths.record("verdicts", version)
        return read_verdict(path) if path.is_file() else None

    def ids(self, kind: str) -> list[str]:
        """The ids of a kind of record, the oldest first: they sort by time."""
        folder = self.paths.record(kind, "x").parent
        return sorted(path.stem for path in folder.glob("*.json")) if folder.is_dir() else []

    def write(self, kind: str, identity: str, record: Any) -> None:
        """Keep a record."""
        write_json(self.paths.record(kind, identity), TypeAdapter(type(record)).dump_python(record, mode="json"))

    def read(self, kind: str, identity: str, form: type[Record]) -> Record:
        """A record.

        Raises:
            StoreError: there is none, or it is damaged.
        """
        path = self.paths.record(kind, identity)
        return read(form, read_json(path), where=path)


def read(form: type[Record], value: Any, *, where: Path) -> Record:
    """Plain data as a record.

    Raises:
        StoreError: it is none.
    """
    try:
        return TypeAdapter(form).validate_python(value)
    except ValidationError as exc:
        raise StoreError(f"{where}: damaged ({exc.errors()[0]['msg']})") from exc


def value_of(entry: Entry) -> Any:
    """What was decided."""
    return entry.feedback.value if entry.feedback else None


def to_exchange(entry: Entry) -> Exchange:
    """An entry as an exchange, known by its file and line."""
    i, f = entry.interaction, entry.feedback
    behind = f"#{len(i.context) + bool(i.text)}" if "#" in i.external_id else ""
    return Exchange(
        id=f"{i.source}:{entry.line}{behind}",
        user=i.user,
        conversation=i.conversation,
        source=i.source,
        confidence=i.confidence,
        findings=i.findings,
        at=i.created_at.isoformat() if i.created_at else "",
        turns=(*i.context, *([Turn("user", i.text)] if i.text else [])),
        answer=i.answer,
        kind=f.kind if f else None,
        value=f.value if f else {},
        reaction=i.reaction,
        group=i.user or i.conversation,
        facts=i.facts,
    )
