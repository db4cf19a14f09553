"""Settings → a project that works: its database reached and migrated."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from afina.flows.base_settings import base_layer
from afina.flows.project import Project, database_project
from afina.settings import Settings, find_project, load_settings
from afina.store.access import database_errors
from afina.store.migrate import migrate
from afina.store.paths import Paths, private_folder
from afina.store.pool import open_pool
from afina.store.server import embedded_dsn


def read_project(start: Path, *, flags: Mapping[str, Any] | None = None) -> tuple[Paths, Settings]:
    """Folder and settings of the project that `start` lies in; no database is touched."""
    folder = find_project(start)
    return Paths(folder), load_settings(folder, environment=os.environ, flags=flags, base_layer=base_layer)


def open_project(start: Path, *, flags: Mapping[str, Any] | None = None) -> Project:
    """The project with a database that answers and has the newest schema; the embedded server is started if needed."""
    paths, settings = read_project(start, flags=flags)
    return connect(paths, settings)


def connect(paths: Paths, settings: Settings) -> Project:
    """Start or reach the database and migrate it."""
    private_folder(paths.data)
    dsn = settings.store.url or embedded_dsn(paths.database, idle_stop_minutes=settings.store.idle_stop_minutes)
    with database_errors():
        migrate(dsn)
    open_pool(dsn, most=settings.store.connections)
    return database_project(paths, settings, dsn)
