"""Runs in the peers' environment: near duplicates of a JSONL file by datatrove's MinHash pipeline or by datasets + datasketch.

Each as its documentation shows it, with two processes as ours: datatrove's four stages over two tasks; datasets' `map` with two processes that makes
datasketch's MinHash of 128 permutations, then its LSH at 0.8.
"""

import json
import sys
import time
from pathlib import Path


def by_datatrove(data: Path, folder: Path) -> list[int]:
    """Signatures, buckets, clusters, filter."""
    import gzip

    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup.minhash import (
        MinhashConfig,
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupFilter,
        MinhashDedupSignature,
    )
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers import JsonlWriter

    source = folder / "source"
    source.mkdir(parents=True)
    lines = data.read_text("utf-8").splitlines(keepends=True)
    for part in range(2):
        (source / f"{part}.jsonl").write_text("".join(lines[part::2]), "utf-8")
    config = MinhashConfig(n_grams=3, num_buckets=20, hashes_per_bucket=6)
    stages = [
        ([JsonlReader(str(source)), MinhashDedupSignature(output_folder=f"{folder}/sigs", config=config)], 2),
        ([MinhashDedupBuckets(f"{folder}/sigs", f"{folder}/buckets", config=config)], config.num_buckets),
        ([MinhashDedupCluster(f"{folder}/buckets", f"{folder}/clusters", config=config)], 1),
        ([JsonlReader(str(source)), MinhashDedupFilter(f"{folder}/clusters"), JsonlWriter(f"{folder}/out")], 2),
    ]
    for number, (pipeline, tasks) in enumerate(stages):
        LocalPipelineExecutor(pipeline=pipeline, tasks=tasks, workers=2, logging_dir=f"{folder}/logs/{number}").run()
    kept = []
    for path in sorted((folder / "out").glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            kept += [int(json.loads(line).get("id", 0)) for line in file]
    return kept


def signed(batch: dict[str, list[str]]) -> dict[str, list[object]]:
    """MinHash of the character 5-grams of each text."""
    from datasketch import MinHash

    sets = [
        {t[at : at + 5].encode() for at in range(max(1, len(t) - 4))}
        for t in (" ".join(text.casefold().split()) for text in batch["text"])
    ]
    return {"digest": [one.hashvalues for one in MinHash.bulk(sets, num_perm=128)]}


def by_datasketch(data: Path, folder: Path) -> list[int]:
    """Digests by `map`, then the LSH: a row stays if nothing before it is alike."""
    import numpy as np
    from datasets import Dataset
    from datasketch import MinHash, MinHashLSH

    held = Dataset.from_json(str(data), cache_dir=str(folder)).map(
        signed, batched=True, num_proc=2, cache_file_name=str(folder / "signed.arrow")
    )
    index = MinHashLSH(threshold=0.8, num_perm=128)
    kept = []
    for number, digest in zip(held["id"], held["digest"], strict=True):
        one = MinHash(num_perm=128, hashvalues=np.array(digest, dtype=np.uint64), scheme="affine32")
        if not index.query(one):
            index.insert(number, one)
            kept.append(number)
    return kept


def main() -> None:
    """One JSON line: seconds and the ids that were kept. A small run before it warms imports and caches."""
    job = json.load(sys.stdin)
    run = {"datatrove": by_datatrove, "datasketch": by_datasketch}[job["peer"]]
    folder = Path(job["folder"])
    (folder / "warm").mkdir(parents=True)
    (folder / "run").mkdir(parents=True)
    run(Path(job["few"]), folder / "warm")
    began = time.monotonic()
    kept = run(Path(job["data"]), folder / "run")
    print(json.dumps({"seconds": time.monotonic() - began, "kept": kept}))


if __name__ == "__main__":
    main()
