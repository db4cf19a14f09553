"""People who write to the bot: how they want to be spoken to, what they allow."""

from typing import Any, Literal

from psycopg.types.json import Jsonb
from pydantic import BaseModel, ConfigDict, Field, model_validator

from afina.serve.storable import cleaned
from afina.store.named import read_queries
from afina.store.pool import Connection

QUERIES = read_queries("afina.serve", "people.sql")
Tone = Literal["coach", "neutral", "formal"]


class Person(BaseModel):
    """One of a client's people. Without a row everything is as it is by default."""

    channel: str = ""
    locale: str = "es"
    intensity: float = 0.5
    tone: Tone = "neutral"
    budget_goal: float | None = None
    categories: list[str] = Field(default_factory=list)
    privacy_flags: dict[str, bool] = Field(default_factory=dict)


class PersonChange(BaseModel):
    """Body of `PATCH /v1/users/{user}`."""

    model_config = ConfigDict(extra="forbid")
    locale: str | None = Field(None, min_length=2, max_length=20)
    intensity: float | None = Field(None, ge=0, le=1)
    tone: Tone | None = None
    budget_goal: float | None = Field(None, ge=0, le=1e15)
    categories: list[str] | None = Field(None, max_length=200)
    privacy_flags: dict[str, bool] | None = Field(None, max_length=50)

    @model_validator(mode="before")
    @classmethod
    def fit_to_store(cls, given: Any) -> Any:
        """Texts as PostgreSQL can hold them."""
        return cleaned(given, 4) if isinstance(given, dict) else given


def read_person(session: Connection, user: str) -> Person:
    """Somebody by the name that the channel knows them by."""
    row = session.execute(QUERIES["get_person"], {"user": user}).fetchone()
    return Person() if row is None else Person(**row)


def change_person(session: Connection, user: str, change: PersonChange) -> Person:
    """Change what is named; a person who was never seen is added."""
    values: dict[str, Any] = {"user": user, **change.model_dump()}
    for name in ("categories", "privacy_flags"):
        values[name] = None if values[name] is None else Jsonb(values[name])
    session.execute(QUERIES["add_person"], values)
    session.execute(QUERIES["change_person"], values)
    session.execute(QUERIES["change_prefs"], values)
    return read_person(session, user)
