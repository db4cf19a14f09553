"""A model that answers as it is told, for tests of roles."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from afina.errors import RuntimeFailedError
from afina.flows.role_model import Ask, Reply, RoleModel
from afina.flows.role_space import RoleSpace, open_space
from afina.progress import Tell, unheard


class ToldModel:
    """Answers by a function; counts what it was asked."""

    name, asked, reused = "told", 0, 0
    context = 0
    client: Any = None

    def __init__(self, answer: Callable[[Ask], Reply]) -> None:
        self.answer, self.asks = answer, list[Ask]()

    def ask(self, ask: Ask) -> Reply:
        """One."""
        self.asks.append(ask)
        return self.answer(ask)

    def ask_all(self, asks: Sequence[Ask], tell: Tell = unheard) -> list[Reply]:
        """Many."""
        del tell
        return [self.ask(ask) for ask in asks]


def told(answer: Callable[[Ask], Reply]) -> tuple[ToldModel, RoleModel]:
    """The model, and the same as the flows take it."""
    model = ToldModel(answer)
    return model, cast("RoleModel", model)


def gone(_ask: Ask) -> Reply:
    """A model whose process has died."""
    raise RuntimeFailedError("the worker is gone")


def space(folder: Path, role: str = "ba") -> RoleSpace:
    """A role in an empty folder."""
    return open_space(role, folder)
