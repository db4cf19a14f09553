"""`afina bootstrap ba` on the small real base, the short form: does tuning on examples that the base has written make it better?

    python -m bench.roles [--base smollm2] [--folder FOLDER]

Prints one JSON line, of the newest generation (`_tuned`) and of the untuned base, asked at length (`_base`):
`valid_base`, `valid_tuned`: share of valid YAML when nothing binds the answer; `valid_bound`: bound by the grammar;
`cut_tuned`: answers of the tuned one whose tokens ran out (what is there may still be valid YAML);
`score_base`, `score_tuned`: `role_score` (form times content), free, on the authored examples that nobody has seen;
`human_base`, `human_tuned`: document 001's `ba_requirements_metric` on the same, with `p_value` of tuned over base by `role_score`;
`bound_base`, `bound_tuned`: `role_score` bound by the grammar; `kept`: examples that were good enough;
`minutes`: the whole run (of this call, where FOLDER has some steps already).
Every answer is drawn as the role's are (temperature 0.7, the same seed); bound with a repeat penalty and
DRY, free with a DRY that only holds back long repetitions.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", default="smollm2")
    parser.add_argument("--language", action="append", default=[])
    parser.add_argument("--folder", type=Path, help="where the bootstrap's files stay (default: nowhere)")
    options = parser.parse_args()
    command = [sys.executable, "-m", "afina"]
    if options.base != "semilla":
        subprocess.run([*command, "base", "pull", options.base], check=True, stdout=sys.stderr)
    with TemporaryDirectory() as passing:
        folder = options.folder or Path(passing)
        folder.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        languages = [word for language in options.language for word in ("--language", language)]
        done = subprocess.run(
            [*command, "bootstrap", "ba", "--base", options.base, "--short", "--json", *languages],
            cwd=folder,
            stdout=subprocess.PIPE,
            text=True,
        )
        minutes = (time.monotonic() - began) / 60
        if done.returncode == 65:
            raise SystemExit("the bootstrap failed")
        report = json.loads(done.stdout)
        sample = (folder / ".afina/roles/ba/bootstrap/examples-1.jsonl").read_text("utf-8").splitlines()[0]
    generations = report["generations"]
    newest = max(name for name in generations if name.startswith("v"))
    base, tuned = generations["base"], generations[newest]
    print(sample, file=sys.stderr)
    print(
        json.dumps(
            {
                "bench": "roles",
                "base": options.base,
                "outcome": report["outcome"],
                "go": report["go"],
                "valid_base": base["free"]["yaml_valid"],
                "valid_tuned": tuned["free"]["yaml_valid"],
                "cut_tuned": tuned["free"]["cut"],
                "valid_bound": tuned["bound"]["yaml_valid"],
                "score_base": base["free"]["role_score"],
                "score_tuned": tuned["free"]["role_score"],
                "bound_base": base["bound"]["role_score"],
                "bound_program": generations.get("base+program", base)["bound"]["role_score"],
                "bound_tuned": tuned["bound"]["role_score"],
                "human_base": base["free"]["ba_requirements_metric"],
                "human_tuned": tuned["free"]["ba_requirements_metric"],
                "p_value": report["verdicts"][newest]["p_value"],
                "held_out": report["held_out"],
                "kept": list(report["kept"].values()),
                "missed": report["missed"],
                "minutes": round(minutes, 1),
            }
        )
    )


if __name__ == "__main__":
    main()
