"""A million short interactions through curation; duplicates alone beside datatrove and datasets + datasketch.

    python -m bench.curate [--rows 1000000] [--peer-rows 100000] [--without-peers]

Generated labelled messages with planted exact duplicates (3 %), near duplicates (3 %, Jaccard index of character 5-grams 0.8 to 0.95),
personal data (5 %), contradicting labels (2 %) and one user with a tenth of all rows. Prints one JSON line: `rows_per_s` of the whole list of
steps with two processes, `rss_mb` at a quarter of the rows and at all of them and their ratio `rss_flat`, `recall_near` (of planted pairs the
share of which one went), `wrong_drops` (near duplicates that no planted pair explains, as a share of all rows), `personal_left` (planted
personal data in what is kept); `ratio` = duplicates alone, ours in rows a second over the best peer's, and each peer's `rows_per_s` and
`recall_near` on the same rows.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from afina.likeness import alike, distinct
from bench.peers import FOLDER

PEERS = (
    "datatrove==0.10.1",
    "xxhash<4",
    "datasets==5.2.0",
    "datasketch==2.0.0",
    "orjson",
    "numpy",
    "fasttext-numpy2-wheel",
    "spacy",
)
LABELS = [f"intent {n}" for n in range(40)]


def vocabulary(rng: random.Random) -> list[str]:
    """Words of two to four syllables."""
    syllables = [c + v for c in "bcdfglmnprstvz" for v in "aeiou"] + ["an", "en", "or", "al", "es", "in"]
    return sorted({"".join(rng.choices(syllables, k=rng.choice((2, 2, 3, 3, 4)))) for _ in range(30_000)})


def generated(rows: int, seed: int = 0) -> Iterator[dict[str, Any]]:
    """Rows; `kind` and `of` say what was planted and on which row, and are read by nobody but this benchmark."""
    rng = random.Random(seed)
    words = vocabulary(rng)
    recent: list[dict[str, Any]] = []
    for number in range(rows):
        user = "loud" if rng.random() < 0.1 else f"user {rng.randrange(max(20, rows // 20))}"
        row = {"id": number, "user": user, "label": rng.choice(LABELS), "kind": "", "of": -1}
        drawn = rng.random()
        if recent and drawn < 0.08:
            row |= planted(rng.choice(recent), drawn, words, rng)
        else:
            row["text"] = " ".join(rng.choices(words, k=rng.randint(6, 24)))
            if rng.random() < 0.05:
                row |= {
                    "text": f"{row['text']} mi correo es {words[number % 999]}{number}@correo.cl",
                    "kind": "personal",
                }
            elif len(recent) < 20_000:
                recent.append(row)
            else:
                recent[rng.randrange(20_000)] = row
        yield row


def planted(first: dict[str, Any], drawn: float, words: Sequence[str], rng: random.Random) -> dict[str, Any]:
    """The same message again, nearly the same one, or the same one with another label."""
    if drawn < 0.03:
        return {"text": f"  {first['text'].upper()} ", "label": first["label"], "kind": "exact", "of": first["id"]}
    if drawn < 0.05:
        other = LABELS[(LABELS.index(first["label"]) + 1) % len(LABELS)]
        return {"text": first["text"], "label": other, "kind": "conflict", "of": first["id"]}
    told = first["text"].split()
    for _ in range(9):
        said = list(told)
        said[rng.randrange(len(said))] = rng.choice(words)[: rng.randint(2, 6)]
        if 0.8 <= alike(first["text"], " ".join(said)) <= 0.95:
            return {"text": " ".join(said), "label": first["label"], "kind": "near", "of": first["id"]}
    return {"text": " ".join([*told, told[-1]]), "label": first["label"], "kind": "other", "of": first["id"]}


CHILD = """
import json, resource, sys, time
from pathlib import Path
from afina.flows.curate_file import FileJob, curate_file
from afina.progress import Silent, Stages
from afina.settings import make_settings
job = json.load(sys.stdin)
settings = make_settings({"task": {"kind": "classify", "fields": ["label"]}, "curate": job["curate"]})
began = time.monotonic()
files = FileJob(data=Path(job["data"]), output=Path(job["out"]), rejects=Path(job["rejects"]))
curated = curate_file(files, settings, Stages(Silent()), processes=job["processes"])
print(json.dumps({"seconds": time.monotonic() - began, "rows": len(curated.judged),
    "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "steps": [[s.name, s.rejected] for s in curated.steps]}))
"""


def curated(data: Path, folder: Path, *, processes: int, curate: dict[str, Any]) -> dict[str, Any]:
    """The file through the steps, in a process of its own."""
    job = {
        "data": str(data),
        "out": str(folder / "kept.jsonl"),
        "rejects": str(folder / "rejects.jsonl"),
        "processes": processes,
        "curate": curate,
    }
    done = subprocess.run(
        [sys.executable, "-c", CHILD], input=json.dumps(job), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def kept_ids(path: Path) -> set[int]:
    """The rows of a file of ours or of a peer's."""
    with path.open(encoding="utf-8") as file:
        return {json.loads(line)["id"] for line in file}


def recall(data: Path, kept: set[int], *, gone: Collection[int] = ()) -> float:
    """Of planted near pairs the share of which not both were kept; pairs of which one went for another reason do not count."""
    pairs = [(row["id"], row["of"]) for row in read(data) if row["kind"] == "near"]
    pairs = [(one, other) for one, other in pairs if one not in gone and other not in gone]
    return sum(not (one in kept and other in kept) for one, other in pairs) / max(1, len(pairs))


def read(path: Path) -> Iterator[dict[str, Any]]:
    """Rows of a JSONL file."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def write(path: Path, rows: int) -> Path:
    """The generated rows as JSONL."""
    with path.open("w", encoding="utf-8") as file:
        for row in generated(rows):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return path


def whole(folder: Path, rows: int) -> dict[str, Any]:
    """The whole list of steps over a quarter of the rows and over all."""
    curate = {"user_share": 0.05}
    small = curated(write(folder / "small.jsonl", rows // 4), folder, processes=2, curate=curate)
    data = write(folder / "all.jsonl", rows)
    large = curated(data, folder, processes=2, curate=curate)
    kept = kept_ids(folder / "kept.jsonl")
    rejects = list(read(folder / "rejects.jsonl"))
    other = {row["id"] for row in rejects if row["step"] != "near_duplicates"}
    near = {row["id"] for row in rejects if row["step"] == "near_duplicates"}
    explained = {one for row in read(data) if row["of"] >= 0 for one in (row["id"], row["of"])}
    return {
        "rows": rows,
        "rows_per_s": round(rows / large["seconds"]),
        "rss_mb": [round(small["rss_mb"]), round(large["rss_mb"])],
        "rss_flat": round(large["rss_mb"] / small["rss_mb"], 2),
        "recall_near": round(recall(data, kept, gone=other), 4),
        "wrong_drops": round(len(near - explained) / rows, 5),
        "personal_left": sum("@correo.cl" in row["text"] for row in read(folder / "kept.jsonl")),
        "counts_add_up": len(kept) + len(rejects) == rows,
        "steps": large["steps"],
    }


def peer_python() -> Path:
    """The interpreter of the peers' environment, made on first use."""
    folder = FOLDER / "dedup"
    done = folder / ".installed"
    if not done.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "--quiet", *PEERS], check=True)
        done.touch()
    return folder / "bin" / "python"


def ours(data: Path) -> tuple[float, set[int]]:
    """Seconds, and the rows that stay: the file read, near copies dropped, in this one process."""
    began = time.monotonic()
    rows = list(read(data))
    kept = {rows[at]["id"] for at in distinct([row["text"] for row in rows], threshold=0.8)}
    return time.monotonic() - began, kept


def beside(folder: Path, rows: int) -> dict[str, Any]:
    """Duplicates alone, each by its own program on the same file; the first run of each warms it and is not counted."""
    data = write(folder / "peers.jsonl", rows)
    few = write(folder / "few.jsonl", 2000)
    ours(few)
    runs = [ours(data) for _ in range(3)]
    times = [seconds for seconds, _ in runs]
    found: dict[str, Any] = {
        "ours": {
            "rows_per_s": round(rows / sorted(times)[1]),
            "spread": [round(rows / seconds) for seconds in (max(times), min(times))],
            "recall_near": round(recall(data, runs[0][1]), 4),
        }
    }
    for peer in ("datatrove", "datasketch"):
        job = {"peer": peer, "data": str(data), "few": str(few), "folder": str(folder / peer)}
        script = Path(__file__).parent / "peer_dedup.py"
        done = subprocess.run(
            [peer_python(), script], input=json.dumps(job), capture_output=True, text=True, check=False
        )
        if done.returncode:
            found[peer] = {"failed": done.stderr[-1500:]}
            continue
        said = json.loads(done.stdout.splitlines()[-1])
        kept = set(said["kept"])
        found[peer] = {
            "rows_per_s": round(rows / said["seconds"]),
            "recall_near": round(recall(data, kept), 4),
            "kept": len(kept),
        }
    speeds = [one["rows_per_s"] for name, one in found.items() if name != "ours" and "rows_per_s" in one]
    return {
        "peer_rows": rows,
        "peers": found,
        "ratio": round(found["ours"]["rows_per_s"] / max(speeds), 1) if speeds else None,
    }


def main() -> None:
    """Print the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--peer-rows", type=int, default=100_000)
    parser.add_argument("--without-peers", action="store_true")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as place:
        found = whole(Path(place), options.rows)
        if not options.without_peers:
            found |= beside(Path(place), options.peer_rows)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({**found, "bench_rss_mb": peak, "minutes": round((time.monotonic() - began) / 60, 1)}))


if __name__ == "__main__":
    main()
