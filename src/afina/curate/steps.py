"""The steps of a curation by name, and a user's own among them.

A step of one row is a function `Example → reason` (empty = nothing against it) or `Example → Example` (a changed one). A step of all
rows is a function over the table; it rejects rows there.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from afina.curate.conflicts import conflicts
from afina.curate.duplicates import exact_duplicates, near_duplicates
from afina.curate.quality import quality
from afina.curate.shares import balance, caps, newest
from afina.curate.table import Table
from afina.errors import InputError, SettingsError
from afina.files.own_code import import_own, place_of
from afina.records import Example, Exchange
from afina.settings import CurateSettings
from afina.tasks import Rule, Task

RowStep = Callable[[Example, Task], Example | str | None]
TableStep = Callable[[Table, Task], None]
MAKING = ("collect", "scrub")
"""They make the rows, so they come first."""


def rules(example: Example, task: Task) -> str:
    """The kind's own rules, in order."""
    return next((reason for rule in task.kind.rules if (reason := rule(example, task))), "")


def no_limit(_example: Example, _task: Task) -> str:
    """`fit` where no model is known."""
    return ""


OF_ROWS: dict[str, RowStep] = {"rules": rules, "quality": quality, "fit": no_limit}
OF_TABLES: dict[str, TableStep] = {
    "conflicts": conflicts, "exact_duplicates": exact_duplicates, "near_duplicates": near_duplicates,
    "caps": caps, "balance": balance, "newest": newest,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a curation does: how an exchange is scrubbed, the steps of rows and those of the table, each with its name."""

    task: Task
    scrub: Callable[[Exchange], Exchange] = lambda exchange: exchange
    rows: tuple[tuple[str, RowStep], ...] = ()
    tables: tuple[tuple[str, TableStep], ...] = ()
    fingerprint: str = ""
    """Of all that judges a single row: settings, rules, the model that it must fit."""


def make_plan(
    task: Task, *, scrub: Callable[[Exchange], Exchange] | None = None, fit: Rule = no_limit, fingerprint: str = ""
) -> Plan:
    """The plan that `[curate] steps` describes.

    Raises:
        SettingsError: a step is unknown, there twice, out of place, or a user's own cannot be loaded.
    """
    names = in_order(task.curate)
    of_rows = {**OF_ROWS, "fit": fit}
    own = [name for name in names if name not in OF_TABLES and name not in MAKING]
    return Plan(
        task=task,
        scrub=scrub if scrub and "scrub" in names else lambda exchange: exchange,
        rows=tuple((name, of_rows[name] if name in of_rows else own_step(name)) for name in own),
        tables=tuple((name, OF_TABLES[name]) for name in names if name in OF_TABLES),
        fingerprint=fingerprint,
    )


def in_order(settings: CurateSettings) -> Sequence[str]:
    """The names of the steps.

    Raises:
        SettingsError: one is unknown, there twice or out of place.
    """
    names = settings.steps
    known = [*MAKING, *OF_ROWS, *OF_TABLES]
    for at, name in enumerate(names):
        if name not in known and ":" not in name:
            raise SettingsError(
                f"curate.steps: no step {name!r}",
                remedy=f"there are {', '.join(known)}; or your own as file.py:FUNCTION",
            )
        if name in names[:at]:
            raise SettingsError(f"curate.steps: {name!r} is there twice")
        if name not in OF_TABLES and any(earlier in OF_TABLES for earlier in names[:at]):
            raise SettingsError(
                f"curate.steps: {name!r} judges single rows and stands behind a step that judges all of them together",
                remedy=f"put it before {next(one for one in names if one in OF_TABLES)!r}",
            )
        if name in MAKING and any(earlier not in MAKING for earlier in names[:at]):
            raise SettingsError(f"curate.steps: {name!r} makes the rows", remedy="put it at the beginning")
    if "collect" not in names:
        raise SettingsError("curate.steps: 'collect' is missing", remedy="it makes the rows: put it at the beginning")
    return names


def own_step(name: str) -> RowStep:
    """The function that `file.py:FUNCTION` names; it is called with the example alone.

    Raises:
        SettingsError: it is not there.
    """
    module, _, function = name.rpartition(":")
    try:
        found: Any = getattr(import_own(module), function)
    except (InputError, ImportError, AttributeError) as exc:
        raise SettingsError(f"curate.steps: {name}: {exc}", remedy="write file.py:FUNCTION or module:FUNCTION") from exc
    except Exception as exc:  # whatever a user's own code raises
        raise SettingsError(f"curate.steps: {name}: {place_of(exc)}: {type(exc).__name__}: {exc}") from exc
    if not callable(found):
        raise SettingsError(f"curate.steps: {name} is no function")
    return lambda example, _task: found(example)
