"""One task at work: where its files are, its settings, its ledger. Handed to every flow."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from afina.errors import StoreError
from afina.flows.folder_ledger import FolderLedger
from afina.flows.ledger import Ledger
from afina.flows.postgres_ledger import PostgresLedger
from afina.ids import ClientId
from afina.settings import Settings
from afina.store.paths import Paths
from afina.store.pool import Connection
from afina.tasks import Task, make_task

DECIDING = ("task", "base", "curate", "freeze", "train", "export", "evaluate")
"""Sections that decide what a run and its version are; they are recorded with them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """With a database (`PostgresLedger`) or in a folder alone (`FolderLedger`)."""

    paths: Paths
    settings: Settings
    task: Task
    ledger: Ledger
    folder: Path = Path()
    """What the paths of an own kind and of a schema are relative to."""

    @property
    def client(self) -> ClientId:
        """Whose rows this project works on."""
        return ClientId(self.settings.project.client)

    @property
    def dsn(self) -> str:
        """The database's address.

        Raises:
            StoreError: this project has none.
        """
        if not isinstance(self.ledger, PostgresLedger):
            raise StoreError(f"{self.paths.data} has no database")
        return self.ledger.dsn

    def session(self) -> AbstractContextManager[Connection]:
        """One transaction, confined to the client.

        Raises:
            StoreError: this project has no database.
        """
        if not isinstance(self.ledger, PostgresLedger):
            raise StoreError(f"{self.paths.data} has no database")
        return self.ledger.session()

    def of(self, client: ClientId) -> "Project":
        """The same project, of another client's rows."""
        own = self.settings.project.model_copy(update={"client": client})
        settings = self.settings.model_copy(update={"project": own})
        return replace(self, settings=settings, ledger=PostgresLedger(self.dsn, client, self.task.name))

    def on(self, dsn: str) -> "Project":
        """The same project on a database that listens elsewhere now."""
        return replace(self, ledger=PostgresLedger(dsn, self.client, self.task.name))


def database_project(paths: Paths, settings: Settings, dsn: str) -> Project:
    """A project on a database that answers and is migrated."""
    task = make_task(settings, folder=paths.project)
    ledger = PostgresLedger(dsn, ClientId(settings.project.client), task.name)
    return Project(paths=paths, settings=settings, task=task, ledger=ledger, folder=paths.project)


def folder_project(folder: Path, settings: Settings, *, name: str = "", schema_from: Path = Path()) -> Project:
    """A project without a database. `name` is the task's where the settings give none; `schema_from`: what the path of an
    answer schema is relative to.
    """
    task = make_task(settings, folder=schema_from)
    task = replace(task, name=settings.task.name or name or task.name)
    paths = Paths(folder, below="")
    ledger = FolderLedger(paths, ClientId(settings.project.client), task.name)
    return Project(paths=paths, settings=settings, task=task, ledger=ledger, folder=schema_from)


def recorded(settings: Settings) -> dict[str, Any]:
    """The sections that decide a run, as they are kept with it."""
    return {name: getattr(settings, name).model_dump(mode="json") for name in DECIDING}


def settings_of(project: Project, config: dict[str, Any], **sections: Any) -> Settings:
    """The project's settings with what was recorded for a run, which may have been edited since; `sections` win over both."""
    kept = config if "train" in config else {"train": config} if config else {}
    own = {name: kept[name] for name in ("task", "base", "train") if name in kept}
    return Settings.model_validate({**project.settings.model_dump(), **own, **sections})
