"""A program: how a model is asked for one role: instructions and worked examples. Found by a search, kept as a file, an arm like others."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from afina.errors import InputError, first_problem
from afina.files.strict_json import JsonProblem, read_json_text
from afina.records import Turn
from afina.store.paths import write_json

Pair = tuple[str, str]
"""A question and its answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """`found`: what the search says of itself: optimiser, scores before and after, calls, model."""

    role: str
    instructions: str
    examples: tuple[Pair, ...] = ()
    found: dict[str, Any] = field(default_factory=dict)

    def turns(self, question: str, told: str) -> tuple[Turn, ...]:
        """The chat that a model is asked with. `told`: the instructions with whatever is always said with them."""
        shown = [turn for asked, answer in self.examples for turn in (Turn("user", asked), Turn("assistant", answer))]
        return (Turn("system", told), *shown, Turn("user", question))


class ProgramFile(BaseModel):
    """A program as it is kept."""

    model_config = ConfigDict(extra="forbid")
    role: str = Field(min_length=1)
    instructions: str = Field(min_length=1)
    examples: list[tuple[str, str]] = []
    found: dict[str, Any] = {}


def write_program(path: Path, program: Program) -> None:
    """Keep it, whole."""
    write_json(path, asdict(program))


def read_program(path: Path, *, role: str) -> Program:
    """A kept program.

    Raises:
        InputError: missing, malformed, or another role's; names the key.
    """
    try:
        kept = ProgramFile.model_validate(read_json_text(path.read_text("utf-8")))
    except (OSError, UnicodeDecodeError, JsonProblem) as exc:
        raise InputError(f"{path}: {exc}", remedy=f"afina tune-prompt {role} makes one") from exc
    except ValidationError as exc:
        key, reason = first_problem(exc.errors(include_url=False))
        raise InputError(f"{path}: `{key}`: {reason}", remedy=f"afina tune-prompt {role} makes one") from exc
    if kept.role != role:
        raise InputError(f"{path} is a program of the role {kept.role!r}, not {role!r}")
    return Program(role=kept.role, instructions=kept.instructions, examples=tuple(kept.examples), found=kept.found)


def changed(program: Program, *, instructions: str, examples: Sequence[Pair]) -> Program:
    """The same role's, asked otherwise."""
    return Program(role=program.role, instructions=instructions, examples=tuple(examples), found=program.found)
