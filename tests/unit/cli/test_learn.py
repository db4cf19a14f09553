"""The options of `afina learn` as settings."""

from typing import Any

import pytest

from afina.cli.learn import learn_command
from afina.cli.task_flags import DEFAULT_MINUTES, flags_of
from afina.settings import make_settings


def given(**options: Any) -> dict[str, Any]:
    """All options of the command, most of them not given."""
    return {str(parameter.name): () if parameter.multiple else None for parameter in learn_command.params} | {
        "recipe": "",
        **options,
    }


@pytest.mark.parametrize(
    ("options", "kind", "minutes"),
    [
        ({"label": "a,b"}, "classify", DEFAULT_MINUTES),
        ({"recipe": "chat"}, "chat", 0),
        ({"recipe": "chat", "minutes": 3.0}, "chat", 3),
        ({"recipe": "chat", "kind": "documents"}, "documents", 0),
        ({"kind": "structured", "minutes": 0.0}, "structured", 0),
    ],
)
def test_what_is_not_given_is_the_recipes(options: dict[str, Any], kind: str, minutes: float) -> None:
    """An option that was not given says nothing, so a recipe's own kind and minutes hold."""
    settings = make_settings(flags_of(given(**options)))

    assert settings.task.kind == kind
    assert settings.train.training.minutes == minutes
