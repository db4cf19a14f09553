"""Every error a person may meet. The message says what is wrong; `remedy` says what to do next."""

from collections.abc import Mapping, Sequence
from typing import Any

SHORT = 300
SHOWN = 60


def in_short(error: BaseException) -> str:
    """What another library's error says, on one line. Its first line alone often names no cause; some say nothing at all."""
    text = " ".join(str(error).split())
    return (text if len(text) <= SHORT else f"{text[:SHORT]} …") or type(error).__name__


def first_problem(problems: Sequence[Mapping[str, Any]], *, show: bool = False) -> tuple[str, str]:
    """The first of pydantic's problems (`ValidationError.errors()`): the key, as `messages[2].role`, and the reason.

    With `show` the reason ends with what was found, unless that is a whole object.
    """
    first = problems[0]
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).removeprefix(".")
    reason = REASONS.get(first["type"]) or str(first["msg"]).removeprefix("Value error, ")
    found = first.get("input")
    if show and first["type"] not in REASONS and isinstance(found, str | int | float | None):
        reason = f"{reason}, not {found!r:.{SHOWN}}"
    return key, reason


REASONS = {"extra_forbidden": "unknown key", "missing": "not given"}
"""pydantic's kinds of problem for which a shorter sentence is clearer."""


class AfinaError(Exception):
    """Root of the errors that end a command with one line and a non-zero exit code."""

    remedy = ""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy or type(self).remedy


class SettingsError(AfinaError):
    """A setting is unknown, malformed or out of bounds."""


class InputError(AfinaError):
    """A file or a row given by the user cannot be used."""


class StoreError(AfinaError):
    """The database or a stored file is not usable."""


class DatabaseDownError(StoreError):
    """The database does not answer."""

    remedy = "run `afina up`, then `afina status`; `afina doctor` names the cause"


class DiskFullError(StoreError):
    """There is no room left on the disk."""

    remedy = "free some space (`afina gc` removes unreferenced files) and run the same command again with --resume"


class ModelError(AfinaError):
    """A model folder or GGUF file is incomplete or of an unknown kind."""


class TemplateError(ModelError):
    """A chat template is missing or does not render as training needs it."""


class TrainError(AfinaError):
    """Training cannot start or go on."""


class ExportError(AfinaError):
    """The exported file does not answer like the model that was trained, or could not be written."""


class RuntimeFailedError(AfinaError):
    """The inference runtime did not start or stopped answering."""

    remedy = "the reason is in the worker log named above; `afina doctor` checks memory and the runtime"


class CurateError(AfinaError):
    """A step of curation failed on too many rows."""


class NotEnoughDataError(AfinaError):
    """There are too few usable examples for an honest result."""


class RoleError(AfinaError):
    """A role's answer cannot be used by the next one."""


class JobError(AfinaError):
    """A queued job did not end well."""


class ReleaseError(AfinaError):
    """A rollout cannot make this transition."""
