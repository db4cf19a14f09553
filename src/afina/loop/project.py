"""One project folder at work: its settings, paths and database, handed to every step."""

from contextlib import AbstractContextManager
from dataclasses import dataclass

from afina.ids import ClientId
from afina.settings import Settings
from afina.store.access import Connection, client_session
from afina.store.paths import Paths


@dataclass(frozen=True, slots=True)
class Project:
    """Built by `wiring`. `dsn` answers and is migrated."""

    paths: Paths
    settings: Settings
    dsn: str

    @property
    def client(self) -> ClientId:
        """Whose rows this project works on."""
        return ClientId(self.settings.project.client)

    @property
    def task(self) -> str:
        """The project's task."""
        return self.settings.project.task

    def session(self) -> AbstractContextManager[Connection]:
        """One transaction, confined to the client."""
        return client_session(self.dsn, self.client)
