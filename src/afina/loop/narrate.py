"""How the loop tells what it does: a terminal shows progress bars, a test hears nothing."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Narrator(Protocol):
    """Hears of stages and of progress within the current one."""

    def begin(self, stage: str) -> None:
        """A stage starts."""

    def progress(self, done: int, total: int, note: str = "") -> None:
        """So far in this stage."""

    def end(self, note: str, seconds: float) -> None:
        """The stage is over, in one line."""

    def fail(self) -> None:
        """The stage broke off."""


class Silent:
    """Says nothing."""

    def begin(self, stage: str) -> None:
        """Nothing."""

    def progress(self, done: int, total: int, note: str = "") -> None:
        """Nothing."""

    def end(self, note: str, seconds: float) -> None:
        """Nothing."""

    def fail(self) -> None:
        """Nothing."""


class Stages:
    """Times every stage and tells the narrator."""

    def __init__(self, narrator: Narrator) -> None:
        self.narrator = narrator
        self.seconds: dict[str, float] = {}
        self.note = ""

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """One stage; set `note` inside to say how it ended."""
        self.note = ""
        self.narrator.begin(name)
        began = time.monotonic()
        try:
            yield
        except BaseException:
            self.narrator.fail()
            raise
        self.seconds[name] = round(time.monotonic() - began, 2)
        self.narrator.end(self.note, self.seconds[name])
