"""The `afina` command: finds subcommands without importing all of them, and turns errors into one line."""

import importlib
import logging
import os
import sys
import traceback
import warnings
from typing import Any

import click

from afina import __version__
from afina.cli.terminal import ERR, escape, show_error
from afina.errors import AfinaError, in_short
from afina.files.own_code import place_of
from afina.texts import t

COMMANDS = {
    "init": "init", "recipes": "recipes", "up": "up", "down": "up", "status": "status", "doctor": "doctor",
    "import": "import_file", "catalogue": "catalogue", "review": "review", "curate": "curate", "suspects": "suspects", "evidence": "evidence", "freeze": "freeze", "dataset": "dataset",
    "train": "train", "finetune": "finetune", "export": "export", "evaluate": "evaluate", "models": "models", "why": "lineage", "reached": "lineage", "erase": "erase", "report": "report", "parity": "parity",
    "canary": "canary", "release": "release", "rollback": "release", "serve": "serve", "keys": "keys", "chat": "chat", "worker": "worker", "loop": "loop",
    "roles": "roles", "concepts": "concepts", "tune-prompt": "tune_prompt", "synth": "synth", "bootstrap": "bootstrap",
    "learn": "learn", "verdict": "verdict", "rate": "rate", "bench-models": "bench_models", "score-turn": "score_turn", "scrub": "scrub",
    "backup": "backup", "restore": "backup", "gc": "gc", "psql": "psql", "base": "bases", "demo": "demo",
}  # fmt: skip
"""Command → module of this package. Modules load torch and more: only the one that is called is imported."""

SHORT_HELP = {
    "init": "make this folder a project", "recipes": "what can be learnt, ready made", "up": "start the database", "down": "stop the database",
    "status": "what is here and what is live", "doctor": "check machine and installation",
    "import": "rows of a file", "catalogue": "what the shop sells", "review": "accept or correct answers, one by one",
    "curate": "apply the quality rules", "suspects": "labels that are probably wrong", "evidence": "is there enough that is new?", "freeze": "split and freeze a dataset", "dataset": "compare, export, check datasets", "train": "train a LoRA adapter",
    "finetune": "queue a fine-tuning", "export": "adapter → GGUF with Modelfile", "evaluate": "score against the base, reach a verdict",
    "models": "list model versions", "why": "what an answer or model came from", "reached": "what a message or user reached", "erase": "take a person out of everything", "report": "the last evaluation, also as HTML",
    "parity": "does a GGUF answer like its model?", "canary": "how is the canary doing?", "release": "canary, promote", "rollback": "withdraw a version",
    "serve": "the OpenAI-compatible gateway", "keys": "who may use the gateway", "chat": "talk to the live model", "worker": "run queued jobs", "loop": "the wheel that turns by itself",
    "roles": "analyst, owner, architect, developer, tester", "concepts": "what a role is asked about", "tune-prompt": "search for the best prompt",
    "synth": "examples written by a model", "bootstrap": "25 examples → tuned role model",
    "learn": "a file → tuned model, no database", "verdict": "compare two score files", "rate": "what people prefer, blind", "bench-models": "which base to start from",
    "score-turn": "what a reaction says about an answer",
    "scrub": "texts without personal data and secrets",
    "backup": "one archive of everything", "restore": "bring an archive back", "gc": "delete unreferenced files",
    "psql": "a shell on the database", "base": "build or pull base models", "demo": "turn the wheel once on a sample",
}  # fmt: skip


class LazyGroup(click.Group):
    """Imports a subcommand's module when it is called; the overview needs none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the stages."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"afina.cli.{COMMANDS[cmd_name]}")
        command: click.Command = getattr(module, f"{cmd_name.replace('-', '_')}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The overview, from the short texts above."""
        with formatter.section(t("Commands")):
            formatter.write_dl([(name, t(SHORT_HELP[name])) for name in COMMANDS])


@click.command(cls=LazyGroup, help=t("Turns reviewed answers into a better local model and proves that it is better."))
@click.option("--lang", type=click.Choice(["en", "es"]), help=t("language of the output (default: the locale's)"))
@click.option("--debug", is_flag=True, help=t("show tracebacks"))
@click.version_option(__version__, prog_name="afina")
def root(**_options: Any) -> None:
    """The root group: its options are read before parsing (see words) or by `run`."""


def quiet_libraries() -> None:
    """Progress bars and notices of libraries do not belong into our output."""
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TQDM_DISABLE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    warnings.filterwarnings("ignore", category=FutureWarning)
    warnings.filterwarnings("ignore", message="Model has `tie_word_embeddings=True`")  # export unties before it merges


class Notices(logging.Handler):
    """Prints what a person should know although nothing failed."""

    def emit(self, record: logging.LogRecord) -> None:
        """One line on standard error."""
        ERR.print(f"{t('note')}: {escape(t(record.getMessage()))}", soft_wrap=True)


def tell_notices() -> None:
    """Let notices be heard."""
    notices = logging.getLogger("afina.notice")
    notices.setLevel(logging.INFO)
    notices.addHandler(Notices())
    notices.propagate = False


def run() -> None:
    """Entry point. Exit codes: 0 done, 1 an error that is explained, 2 wrong usage, 70 a bug, 130 interrupted."""
    debug = "--debug" in sys.argv
    quiet_libraries()
    tell_notices()
    if debug and sys.argv[1:2] != ["--debug"]:  # accepted anywhere
        sys.argv = [sys.argv[0], *(a for a in sys.argv[1:] if a != "--debug")]
    try:
        code = root.main(standalone_mode=False, prog_name="afina")
    except click.exceptions.Abort as exc:
        # click takes an EOFError for a closed terminal; one from a file that ends too early is not
        code = bug(exc.__cause__, debug=debug) if isinstance(exc.__cause__, EOFError) else interrupted()
    except KeyboardInterrupt:
        code = interrupted()
    except click.ClickException as exc:
        show_misuse(exc)
        code = exc.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except AfinaError as exc:
        if debug:
            traceback.print_exc()
        show_error(exc)
        code = 1
    except OSError as exc:
        if debug:
            traceback.print_exc()
        ERR.print(f"[bold red]{t('error')}:[/] {escape(str(exc))}", soft_wrap=True)
        code = 1
    except Exception as exc:
        code = own_fault(exc, debug=debug) if place_of(exc) else bug(exc, debug=debug)
    sys.exit(code if isinstance(code, int) else 0)


def show_misuse(error: click.ClickException) -> None:
    """What click found wrong with a command line, in the user's language, with where to read on."""
    context = getattr(error, "ctx", None)
    if context is not None:
        click.echo(context.get_usage(), err=True)
    ERR.print(f"[bold red]{t('error')}:[/] {escape(t(error.format_message()))}", soft_wrap=True)
    if context is not None:
        ERR.print(f"  → {context.command_path} --help")


def own_fault(error: Exception, *, debug: bool) -> int:
    """What a user's own kind or metric raised: where in it, and what."""
    if debug:
        traceback.print_exception(error)
    said = f"{place_of(error)}: {type(error).__name__}: {in_short(error)}"
    ERR.print(f"[bold red]{t('error in your own code')}:[/] {escape(said)}", soft_wrap=True)
    ERR.print(f"  → {t('--debug prints the whole way there')}")
    return 1


def bug(error: BaseException, *, debug: bool) -> int:
    """What nobody foresaw: its name, and how to report it."""
    if debug:
        traceback.print_exception(error)
    ERR.print(f"[bold red]{t('internal error')}:[/] {type(error).__name__}: {escape(in_short(error))}", soft_wrap=True)
    ERR.print(f"  → {t('run the same command with --debug and report what it prints')}")
    return 70


def interrupted() -> int:
    """Ctrl-C: nothing is lost, say how to go on."""
    ERR.print(f"\n{t('interrupted; every finished step is kept, and training goes on with --resume')}")
    return 130
