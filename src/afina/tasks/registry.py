"""Names → kinds; `module:object` → a user's own."""

from pathlib import Path
from typing import Any

from afina.errors import InputError, SettingsError
from afina.files.own_code import import_own
from afina.files.strict_json import JsonProblem, read_json_text
from afina.settings import Settings
from afina.tasks.chat import Chat
from afina.tasks.classify import Classify
from afina.tasks.documents import Documents
from afina.tasks.kind import Kind, Task
from afina.tasks.structured import Structured

KINDS: dict[str, Kind] = {kind.name: kind for kind in (Classify(), Chat(), Structured(), Documents())}


def find_kind(name: str) -> Kind:
    """A kind by name, or a user's own as `module:object` or `folder/file.py:object`.

    Raises:
        SettingsError: there is none of that name, or it cannot be loaded.
    """
    if name in KINDS:
        return KINDS[name]
    module, colon, attribute = name.rpartition(":")
    if not colon:
        raise SettingsError(
            f"no kind of task {name!r}", remedy=f"there are {', '.join(KINDS)}; or your own as module:object"
        )
    try:
        found: Kind = getattr(import_own(module), attribute)
    except (InputError, AttributeError, ImportError, SyntaxError) as exc:
        raise SettingsError(f"the kind {name!r} cannot be loaded: {type(exc).__name__}: {exc}") from exc
    return found


def make_task(settings: Settings, *, folder: Path) -> Task:
    """The task that settings describe. `folder`: what the path of a schema is relative to.

    Raises:
        SettingsError: no such kind, or the schema's file is missing or no JSON object.
    """
    own = settings.task
    kind = find_kind(own.kind)
    schema = read_schema(folder / own.answer_schema) if own.answer_schema else None
    return Task(name=own.name or kind.name, kind=kind, settings=own, curate=settings.curate, schema=schema)


def read_schema(path: Path) -> dict[str, Any]:
    """A JSON schema.

    Raises:
        SettingsError: missing, or no JSON object.
    """
    try:
        found = read_json_text(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, JsonProblem) as exc:
        raise SettingsError(f"task.answer_schema: {path}: {exc}") from exc
    if not isinstance(found, dict):
        raise SettingsError(f"task.answer_schema: {path}: a JSON schema is an object")
    return found
