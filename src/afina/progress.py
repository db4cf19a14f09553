"""How work tells how far it is, in one form: so many of so many, and a word. A terminal shows bars, a test hears nothing."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

Tell = Callable[[int, int, str], None]
"""(done, total, note): how far a piece of work is. Total 0 = unknown."""


def unheard(done: int, total: int, note: str = "") -> None:
    """Tells nobody."""


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


class Stage:
    """A stage at work. Set `note` to say how it ended."""

    def __init__(self, narrator: Narrator) -> None:
        self.narrator = narrator
        self.note = ""

    def tell(self, done: int, total: int, note: str = "") -> None:
        """So far."""
        self.narrator.progress(done, total, note)


class Stages:
    """Times every stage and tells the narrator. `said` keeps every stage's last note by its name."""

    def __init__(self, narrator: Narrator) -> None:
        self.narrator = narrator
        self.seconds: dict[str, float] = {}
        self.said: dict[str, str] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[Stage]:
        """One stage."""
        self.narrator.begin(name)
        began = time.monotonic()
        stage = Stage(self.narrator)
        try:
            yield stage
        except BaseException:
            self.narrator.fail()
            raise
        self.seconds[name] = round(time.monotonic() - began, 2)
        self.said[name] = stage.note
        self.narrator.end(stage.note, self.seconds[name])
