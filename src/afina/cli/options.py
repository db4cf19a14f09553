"""Options that several commands share."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from afina.cli.terminal import show_error
from afina.errors import AfinaError, InputError
from afina.texts import t

Command = TypeVar("Command", bound=Callable[..., Any])
json_option = click.option("--json", "as_json", is_flag=True, help=t("print JSON"))
resume_option = click.option("--resume", is_flag=True, help=t("go on with the interrupted run"))
file_argument = click.argument("file", type=click.Path(path_type=Path))


VERDICT_ERROR = 65
"""EX_DATAERR of <sysexits.h>. Of commands whose exit code is a verdict (0, 1, 2) every error ends with it."""


class VerdictUsageError(click.UsageError):
    """Wrong usage of a command whose exit code is a verdict: it must not look like "cannot tell"."""

    exit_code = VERDICT_ERROR


class VerdictCommand(click.Command):
    """A command whose exit code is a verdict."""

    def make_context(self, *args: Any, **more: Any) -> click.Context:
        """As usual.

        Raises:
            UsageError: with exit code 65.
        """
        try:
            return super().make_context(*args, **more)
        except click.UsageError as exc:
            raise VerdictUsageError(exc.format_message(), exc.ctx) from exc


@contextmanager
def verdict_exit() -> Iterator[None]:
    """An error must not look like a verdict.

    Raises:
        Exit, UsageError: with exit code 65.
    """
    try:
        yield
    except click.UsageError as exc:
        raise VerdictUsageError(exc.format_message(), exc.ctx) from exc
    except (AfinaError, OSError) as exc:
        show_error(exc if isinstance(exc, AfinaError) else InputError(str(exc)))
        raise click.exceptions.Exit(VERDICT_ERROR) from exc


def here() -> Path:
    """The folder the command was called in."""
    return Path.cwd()


def policy_options(*, min_effect: float) -> Callable[[Command], Command]:
    """The options of every comparison: how sure, and by how much."""

    def add(command: Command) -> Command:
        effect = click.option(
            "--min-effect",
            default=min_effect,
            show_default=True,
            type=click.FloatRange(0),
            help=t("B must surely be better by this share of A's score: 0.1 = ten per cent"),
        )
        alpha = click.option(
            "--alpha",
            default=0.05,
            show_default=True,
            type=click.FloatRange(0, 0.5, min_open=True, max_open=True),
            help=t("largest accepted chance of a false 'better'"),
        )
        return alpha(effect(command))

    return add
