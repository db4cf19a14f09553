"""Twenty of a thousand people are erased. What is left of them on the disk?

    python -m bench.erasure [--users 1000] [--erased 20] [--minutes 0.5]

A project with an embedded PostgreSQL: three labelled messages a user, each with a planted string that stands nowhere else; curated, frozen, exported,
judged, its log and a training file lie beside it. `afina erase --user U --yes` for each of the twenty, the last one with `--rebuild` on the built-in
base. Then every planted string is looked for by `grep -F` in every file of the project and of the server's cluster (tables, indexes,
write-ahead log).

Prints one JSON line: `traces_left` (planted strings of erased people that grep found), `kept_found` (of people who stay: each must be there),
`erase_s` (median of one erasure), `rebuild_s`, `extracted` (answers of the rebuilt version that hold their words), `exit_codes` that were not 0.
"""

import argparse
import csv
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from afina.store.cluster import locate

TOPICS = ("envío", "pago", "producto")
SENTENCES = (
    "mi pedido no ha llegado todavía y necesito saber {0}",
    "quiero pagar con otra tarjeta porque la mía {0}",
    "el producto vino con una falla en la parte de {0}",
)


def planted(user: int, number: int) -> str:
    """A string that stands nowhere else."""
    return f"planta{user:05d}x{number}" + "".join(random.Random(user * 10 + number).choices("bcdfghjklm", k=24))


def write_rows(path: Path, users: int) -> None:
    """Three messages a user."""
    words = [
        "código",
        "envío",
        "caja",
        "puerta",
        "bodega",
        "tienda",
        "norte",
        "sur",
        "azul",
        "rojo",
        "verde",
        "largo",
        "corto",
        "alto",
        "bajo",
    ]
    rng = random.Random(0)
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["id", "user", "text", "topic", "intent"])
        for user in range(users):
            for number in range(3):
                told = SENTENCES[number].format(" ".join(rng.choices(words, k=6)))
                out.writerow(
                    [
                        f"{user}-{number}",
                        f"user-{user}",
                        f"{told} {planted(user, number)}",
                        TOPICS[number],
                        "ab"[user % 2],
                    ]
                )


def afina(folder: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """A command of the program in the project."""
    command = [sys.executable, "-m", "afina", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise RuntimeError(f"{arguments}: {done.stderr[-2000:]}")
    return done


def grepped(strings: list[str], places: list[Path]) -> set[str]:
    """Which strings are somewhere in these folders."""
    done = subprocess.run(
        ["grep", "-r", "-a", "-o", "-h", "-F", "-f", "-", *map(str, places)],
        input="\n".join(strings) + "\n",
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    return set(done.stdout.split())


def project(folder: Path, users: int, minutes: float) -> None:
    """The project, as far as the files that hold people's words."""
    afina(folder, "init")
    settings = (
        '[task]\nfields = ["topic", "intent"]\n\n[freeze]\ntest_share = 0.04\n\n'
        f"[train.training]\nminutes = {minutes}\n\n[evaluate]\nmust_beat_baselines = false\nguards = []\nnearest = 0\n"
    )
    (folder / "afina.toml").write_text(settings, "utf-8")
    write_rows(folder.parent / "rows.csv", users)
    afina(folder, "import", str(folder.parent / "rows.csv"))
    for command in (["curate"], ["freeze"], ["dataset", "export"], ["train"], ["export"], ["evaluate"]):
        afina(folder, *command)


def measured(folder: Path, users: int, erased: int, minutes: float) -> dict[str, Any]:
    """The erasures one after the other."""
    project(folder, users, minutes)
    gone = random.Random(1).sample(range(users), erased)
    places = [folder / ".afina", locate(folder / ".afina" / "database").data]
    before = grepped([planted(user, n) for user in gone for n in range(3)], places)
    times, codes = list[float](), list[int]()
    last: dict[str, Any] = {}
    for at, user in enumerate(gone):
        more = ["--rebuild"] if at == erased - 1 else []
        began = time.monotonic()
        done = afina(folder, "erase", "--user", f"user-{user}", "--yes", "--json", *more, check=False)
        times.append(time.monotonic() - began)
        codes += [done.returncode] if done.returncode else []
        last = json.loads(done.stdout) if done.stdout.startswith("{") else {"error": done.stderr[-800:]}
    left = grepped([planted(user, n) for user in gone for n in range(3)], places)
    stay = [user for user in range(users) if user not in set(gone)]
    kept = grepped([planted(user, 0) for user in stay], [folder / ".afina" / "datasets"])
    return {
        "users": users,
        "erased": erased,
        "found_before": len(before),
        "traces_left": len(left),
        "kept_found": round(len(kept) / len(stay), 4),
        "erase_s": round(statistics.median(times[:-1]), 2),
        "rebuild_s": round(times[-1], 1),
        "rebuilt": last.get("rebuilt"),
        "extracted": last.get("extracted"),
        "traces": last.get("traces"),
        "error": last.get("error"),
        "exit_codes": codes,
    }


def main() -> None:
    """Print the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=1000)
    parser.add_argument("--erased", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=0.5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "shop"
        folder.mkdir()
        try:
            print(json.dumps(measured(folder, options.users, options.erased, options.minutes)))
        finally:
            afina(folder, "down", check=False)


if __name__ == "__main__":
    main()
