"""`release`, `rollback`, `serve`, `chat`, `worker`."""

import getpass
import json
import logging
import os
import signal
import socket
from types import FrameType

import click
import httpx
import uvicorn

from afina.cli.options import here, json_option
from afina.cli.terminal import OUT, escape, print_json
from afina.cli.words import t
from afina.errors import RuntimeFailedError
from afina.jobs import run_worker
from afina.loop.rollouts import history, release_direct, settle_canary, start_canary, withdraw
from afina.loop.versions import find_version
from afina.serve.protocol import BoundedProtocol, allow_files
from afina.wiring import open_project, project_gateway


def who() -> str:
    """The person at the keyboard, for the audit record."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.geteuid())


@click.command("release", help=t("Start a canary with a version that got a go; --settle promotes it or rolls it back as its traffic says; --direct puts a version into production at once."))  # fmt: skip
@click.argument("version", required=False)
@click.option("--settle", is_flag=True, help=t("decide about the running canary"))
@click.option("--direct", is_flag=True, help=t("no canary: the first version of a task"))
@click.option("--force", is_flag=True, help=t("without a go; this is recorded"))
@click.option("--history", "show_history", is_flag=True, help=t("print the audit record"))
@json_option
def release_command(
    version: str | None, settle: bool, direct: bool, force: bool, show_history: bool, as_json: bool
) -> None:
    """Release."""
    project = open_project(here())
    if show_history:
        rows = history(project)
        if as_json:
            print_json(rows)
        for row in [] if as_json else rows:
            OUT.print(f"{row['created_at']:%Y-%m-%d %H:%M:%S}  {row['name']}  {row['from_state'] or '·'} → {row['to_state']}  {row['actor']}: {escape(row['reason'])}", soft_wrap=True)  # fmt: skip
        return
    if settle:
        decision, evidence = settle_canary(project, actor=who())
        print_json({"action": decision.action, "reason": decision.reason, **evidence}) if as_json else OUT.print(
            f"{decision.action}: {decision.reason}"
        )
        return
    found = find_version(project, version)
    if direct:
        rollout = release_direct(project, found, actor=who(), reason="released by hand")
    else:
        rollout = start_canary(project, found, actor=who(), force=force)
    if as_json:
        print_json({"rollout": rollout.id, "state": rollout.state, "share": rollout.share, "version": found.name})
    else:
        OUT.print(f"{found.name}: {rollout.state.value} {rollout.share:.0%}")


@click.command(
    "rollback", help=t("Withdraw the canary or, without one, go back from production to the version before.")
)
@click.option("--reason", default="by hand", show_default=True, help=t("kept in the audit record"))
def rollback_command(reason: str) -> None:
    """Roll back."""
    project = open_project(here())
    withdrawn, restored = withdraw(project, actor=who(), reason=reason)
    OUT.print(f"{find_version(project, withdrawn.model_version).name}: rolled back")
    if restored is not None:
        OUT.print(f"{find_version(project, restored.model_version).name}: production")


@click.command("serve", help=t("The OpenAI-compatible gateway: /v1/chat/completions, /v1/classify, /v1/feedback, /v1/models, /healthz. OLLAMA_MODEL or --model pins one version."))  # fmt: skip
@click.option("--host", help=t("address (default: the setting's)"))
@click.option("--port", type=click.IntRange(0, 65535), help=t("port (default: the setting's); 0 takes a free one"))
@click.option("--model", help=t("answer with this version only"))
def serve_command(host: str | None, port: int | None, model: str | None) -> None:
    """Serve."""
    project = open_project(here())
    serve = project.settings.serve
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    pinned = model or serve.model
    if pinned:
        find_version(project, pinned)
    listener = listen(host or serve.host, serve.port if port is None else port)
    app, recorder = project_gateway(project, pinned=pinned)
    address = listener.getsockname()
    click.echo(f"http://{address[0]}:{address[1]}", err=False)
    allow_files()
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=20, http=BoundedProtocol)
    signal.signal(signal.SIGTERM, end)
    try:
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        recorder.close()


def end(_number: int, _frame: FrameType | None) -> None:
    """uvicorn, done with its own shutdown, raises the signal again: without a handler the process would end on the spot, and what
    is not recorded yet would be lost.

    Raises:
        SystemExit: always.
    """
    raise SystemExit(0)


def listen(host: str, port: int) -> socket.socket:
    """A bound socket.

    Raises:
        RuntimeFailedError: the port is taken.
    """
    # The protocol must be named: asyncio turns Nagle's algorithm off (TCP_NODELAY) only on sockets that say they are TCP, and
    # with it on every answer waited 40 ms for the other side's acknowledgement.
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as exc:
        listener.close()
        raise RuntimeFailedError(
            f"cannot listen on {host}:{port}: {exc.strerror or exc}", remedy="choose another: --port 0 takes a free one"
        ) from exc
    return listener


@click.command("chat", help=t("Ask the running gateway, line by line. For a classifier: the fields of each line."))
@click.option("--url", default="http://127.0.0.1:8080", show_default=True, help=t("the gateway"))
@click.option("--user", default="terminal", show_default=True, help=t("decides which version answers"))
@click.argument("text", required=False)
def chat_command(url: str, user: str, text: str | None) -> None:
    """Chat."""
    with httpx.Client(base_url=url, timeout=120) as http:
        if text is not None:
            OUT.print(answer(http, text, user=user))
            return
        while True:
            try:
                line = click.prompt("›", prompt_suffix=" ", default="", show_default=False)
            except click.exceptions.Abort:
                return
            if not line.strip():
                return
            OUT.print(answer(http, line, user=user))


def answer(http: httpx.Client, text: str, *, user: str) -> str:
    """One answer of the gateway.

    Raises:
        RuntimeFailedError: there is no gateway, or it refuses.
    """
    try:
        reply = http.post("/v1/classify", json={"text": text, "user": user})
    except httpx.HTTPError as exc:
        raise RuntimeFailedError(f"no gateway at {http.base_url}", remedy="start one: `afina serve`") from exc
    if reply.status_code != httpx.codes.OK:
        raise RuntimeFailedError(f"the gateway refused: {reply.text[:300]}", remedy="`afina status` says what is live")
    value = reply.json()
    return f"{escape(json.dumps(value['fields'], ensure_ascii=False))}  [dim]{value['model']}[/]"


@click.command(
    "worker", help=t("Run queued jobs, one at a time, until stopped. Jobs of a killed worker are taken up again.")
)
@click.option("--until-empty", is_flag=True, help=t("end when the queue is empty"))
def worker_command(until_empty: bool) -> None:
    """Work."""
    project = open_project(here())
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    run_worker(project.dsn, folder=project.paths.project, wait=not until_empty)
