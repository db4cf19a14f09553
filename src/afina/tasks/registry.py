"""Names → kinds; `file.py:OBJECT` → a user's own."""

from pathlib import Path
from typing import Any, TypeGuard

from afina.errors import SettingsError
from afina.files.own_code import import_own, place_of
from afina.files.strict_json import JsonProblem, read_json_text
from afina.settings import Settings
from afina.tasks.chat import Chat
from afina.tasks.classify import Classify
from afina.tasks.documents import Documents
from afina.tasks.kind import Kind, Task
from afina.tasks.structured import Structured

KINDS: dict[str, Kind] = {kind.name: kind for kind in (Classify(), Chat(), Structured(), Documents())}


def find_kind(name: str, *, folder: Path = Path()) -> Kind:
    """A kind by name, or a user's own as `file.py:OBJECT` (a path from `folder`) or `module:OBJECT`.

    Raises:
        SettingsError: there is none of that name, or it cannot be loaded.
    """
    if name in KINDS:
        return KINDS[name]
    module, colon, attribute = name.rpartition(":")
    if not colon:
        raise SettingsError(
            f"no kind of task {name!r}", remedy=f"there are {', '.join(KINDS)}; or your own as file.py:OBJECT"
        )
    try:
        own = import_own(str(folder / module) if module.endswith(".py") else module)
        found = getattr(own, attribute, None)
        kind = found() if isinstance(found, type) and Kind in found.__mro__ else found
    except Exception as exc:  # whatever a user's own code raises
        where = place_of(exc)
        said = f"{where}: {type(exc).__name__}: {exc}" if where else f"{type(exc).__name__}: {exc}"
        raise SettingsError(f"the kind {name!r} cannot be loaded: {said}") from exc
    if not is_kind(kind):
        there = [key for key, value in vars(own).items() if is_kind(value)]
        raise SettingsError(
            f"{module} has no kind {attribute!r}" if found is None else f"{name} is no kind of task",
            remedy=f"kinds in it are {', '.join(there)}" if there else ITS_FORM,
        )
    require_whole(name, kind)
    return kind


def is_kind(value: object) -> TypeGuard[Kind]:
    """Whether something is an object of a class after `Kind`."""
    return Kind in type(value).__mro__


ITS_FORM = "a kind is an object of a class after afina.tasks.Kind: docs/how-to/a-kind-of-your-own.md"
NEEDED = ("name", "rules", "metrics")


def require_whole(name: str, kind: Kind) -> None:
    """Make sure that a kind says what every kind must.

    Raises:
        SettingsError: names what is missing.
    """
    missing = [one for one in NEEDED if not hasattr(kind, one)]
    missing += [f"{one}()" for one in ("said", "examples") if getattr(type(kind), one) is getattr(Kind, one)]
    if missing:
        raise SettingsError(f"the kind {name!r} lacks {', '.join(missing)}", remedy=ITS_FORM)


def make_task(settings: Settings, *, folder: Path) -> Task:
    """The task that settings describe. `folder`: what the paths of an own kind and of a schema are relative to.

    Raises:
        SettingsError: no such kind, or the schema's file is missing or no JSON object.
    """
    own = settings.task
    kind = find_kind(own.kind, folder=folder)
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
