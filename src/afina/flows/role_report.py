"""What a bootstrap came to: the generations, document 001's criteria one by one, the go or no-go in writing."""

from dataclasses import dataclass
from typing import Any

from afina.flows.boot import Boot, Booted
from afina.flows.bootstrap_judging import BASE, contenders_of
from afina.flows.bootstrap_training import generation
from afina.flows.role_compare import (
    BOUND,
    FREE,
    answered_before,
    ask_contenders,
    headline_measure,
    role_set,
    role_verdict,
    seed_items,
)
from afina.flows.role_ratings import satisfaction
from afina.records import EvalRecord, Outcome, Verdict

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One of document 001's: what was found, what is asked for. `critical`: without it there is no go."""

    name: str
    found: float | None
    asked: float
    critical: bool = True
    above: bool = True

    @property
    def met(self) -> bool:
        """Whether it is reached; what is not known is not."""
        if self.found is None:
            return False
        return self.found >= self.asked if self.above else self.found < self.asked


def criteria(base: Row, tuned: Row, usable: float, stars: float | None, measure: str) -> list[Criterion]:
    """Document 001's key figures, of the newest generation beside the base."""
    gain = tuned[measure] / base[measure] - 1 if base[measure] else float(tuned[measure] > 0)
    return [
        Criterion(name="gain over the base", found=round(gain, 4), asked=0.10),
        Criterion(name="gain that is aimed at", found=round(gain, 4), asked=0.15, critical=False),
        Criterion(name="score on the human examples", found=tuned[measure], asked=0.80),
        Criterion(name="valid YAML", found=tuned["yaml_valid"], asked=0.90),
        Criterion(name="answers that the next role can use", found=usable, asked=0.80),
        Criterion(name="tokens a second", found=tuned["tokens_per_sec"], asked=10.0),
        Criterion(name="memory, MB", found=tuned["ram_usage_mb"], asked=8000.0, above=False),
        Criterion(name="cost of answers, $", found=0.0, asked=0.01, above=False),
        Criterion(name="satisfaction, 1 to 5", found=stars, asked=4.0, critical=False),
    ]


def role_report(boot: Boot, booted: Booted) -> Row:
    """The report as it is written: generations, criteria, remedies, go or no-go."""
    steps, role = booted.steps, boot.space.role.name
    newest, judged = f"v{booted.generations}", steps[f"judge-{booted.generations}"]
    measure = headline_measure(role)
    as_it_runs = judged[BOUND][newest]
    usable = as_it_runs.get("usable", as_it_runs["schema_valid"])  # judged before there was the first
    found = criteria(judged[FREE][BASE], judged[FREE][newest], usable, satisfaction(boot.space)["mean"], measure)
    verdict = judged["verdict"]
    missed = [one.name for one in found if one.critical and not one.met]
    return {
        "role": role,
        "base": boot.base,
        "held_out": len(booted.held_out),
        "measure": measure,
        "generations": {name: {FREE: judged[FREE][name], BOUND: judged[BOUND][name]} for name in judged[FREE]},
        "kept": {name: step["kept"] for name, step in steps.items() if name.startswith("examples-")},
        "verdicts": {
            f"v{name.removeprefix('judge-')}": {
                key: step["verdict"][key] for key in ("outcome", "because", "p_value") if key in step["verdict"]
            }
            for name, step in steps.items()
            if "verdict" in step
        },
        "program": {key: steps["program"][key] for key in ("start", "score", "calls", "malformed", "skipped")},
        "stress": steps.get("stress", {}).get("cases", {}),
        "remedies": [remedy for step in steps.values() for remedy in step.get("remedies", ())],
        "criteria": [
            {"name": one.name, "found": one.found, "asked": one.asked, "critical": one.critical, "met": one.met}
            for one in found
        ],
        "outcome": verdict["outcome"],
        "because": verdict["because"],
        "go": verdict["outcome"] == Outcome.GO and not missed,
        "missed": missed,
        "advice": advice(missed),
    }


ADVICE = {
    "gain over the base": "more examples, or a longer prompt search (`--calls`); then another base (`afina bench-models`)",
    "score on the human examples": "another or a larger base (`afina bench-models`): document 001 says 3B",
    "valid YAML": "more examples or epochs; bound by its schema every answer is valid in any case",
    "answers that the next role can use": "a longer limit (`max_tokens` in role.toml) where answers are cut off",
    "tokens a second": "a smaller base, or fewer bits",
    "memory, MB": "a smaller base, or fewer bits",
}


def advice(missed: list[str]) -> list[str]:
    """Document 001's remedies for what was missed."""
    return [f"{name}: {ADVICE[name]}" for name in missed if name in ADVICE]


def last_verdict(boot: Boot, booted: Booted) -> tuple[Verdict, EvalRecord, EvalRecord]:
    """The newest generation over the base, with both records. All is read from the records, also what somebody failed to answer; asked
    again only where they are another bootstrap's by now.
    """
    names = [f"v{number}" for number in range(1, booted.generations + 1)]
    contenders = [*contenders_of(boot), *(generation(boot, name) for name in names)]
    eval_set = role_set(boot.space, seed_items(boot.space, booted.held_out), bound=False)
    scored = answered_before(boot.space, contenders, eval_set) or ask_contenders(boot.space, contenders, eval_set)
    by_name = {one.name: one for one in scored}
    verdict = role_verdict(boot.space, scored, BASE, names[-1])
    return verdict, by_name[BASE].record, by_name[names[-1]].record


def table(report: Row) -> list[Row]:
    """A row for each contender: what a person wants to see."""
    return [
        {
            "name": name,
            **{key: found[FREE].get(key) for key in (report["measure"], "role_score", "yaml_valid", "tokens_per_sec")},
            "bound": found[BOUND]["role_score"],
        }
        for name, found in report["generations"].items()
    ]


def as_markdown(report: Row) -> str:
    """The go or no-go in writing, to keep beside the project."""
    word = "GO" if report["go"] else "NO-GO" if report["outcome"] == "go" else report["outcome"].upper()
    measure = report["measure"]
    lines = [
        f"# {report['role']}: {word}",
        "",
        f"{report['because']} ({report['held_out']} authored examples that no search and no training has seen.)",
        "",
        f"| who | {measure} | role_score | valid YAML | tokens/s | role_score, bound |",
        "|---|---|---|---|---|---|",
        *(
            f"| {row['name']} | {row[measure]} | {row['role_score']} | {row['yaml_valid']} | {row['tokens_per_sec']} | {row['bound']} |"
            for row in table(report)
        ),
        "",
        "| criterion | found | asked | |",
        "|---|---|---|---|",
        *(
            f"| {one['name']}{'' if one['critical'] else ' (shown)'} | {'–' if one['found'] is None else one['found']} | {one['asked']} | "
            f"{'met' if one['met'] else 'not met'} |"
            for one in report["criteria"]
        ),
        "",
        *(f"- {one}" for one in [*report["remedies"], *report["advice"]]),
        "",
        *(
            f"Hard cases, bound, {name}: {', '.join(f'{case} {score}' for case, score in cases.items())}."
            for name, cases in report["stress"].items()
        ),
    ]
    return "\n".join(lines) + "\n"
