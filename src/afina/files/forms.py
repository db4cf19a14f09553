"""What a row must look like: a form (a pydantic model) a kind of row. A refusal names file, line, key and reason."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from afina.errors import InputError, first_problem
from afina.files.rows import SourceRow, read_rows


class Form(BaseModel):
    """A row. Keys that it does not name are left alone: files of other programs carry more than is needed."""

    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True)


Read = TypeVar("Read", bound=Form)


def spelt(value: Any) -> Any:
    """A text as it is, a structure as its JSON, nothing as the empty text."""
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


Text = Annotated[str, Field(strict=True)]
"""A text: numbers are refused."""
Spelt = Annotated[str, BeforeValidator(spelt)]
"""A text; numbers, objects and lists are spelt out."""
Identity = Annotated[str, Field(min_length=1)]
"""A name: text that is not empty, or a number."""


class Message(Form):
    """One turn of a chat."""

    role: Literal["system", "user", "assistant"]
    content: Text


class ChatRow(Form):
    """A chat."""

    messages: list[Message] = Field(min_length=1)


def checked(form: type[Read], values: Any, where: str) -> Read:
    """A row as its form; `where` is its file and line in words.

    Raises:
        InputError: names the place, the key and the reason.
    """
    try:
        return form.model_validate(values)
    except ValidationError as exc:
        key, reason = first_problem(exc.errors(include_url=False), show=True)
        raise InputError(f"{where}: `{key}`: {reason}" if key else f"{where}: {reason}") from exc


def place(path: Path, row: SourceRow) -> str:
    """A row's file and line in words."""
    return f"{path}, line {row.line}"


def read_forms(form: type[Read], path: Path) -> list[tuple[str, Read]]:
    """Every row of a file as its form, each with its file and line in words.

    Raises:
        InputError: see `read_rows`; or a row is no such form: names line, key and reason.
    """
    return [(place(path, row), checked(form, row.values, place(path, row))) for row in read_rows(path)]
