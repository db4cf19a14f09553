"""Arms on one set → records and scores, one arm after the other: one model in memory. Needs no database."""

from collections.abc import Sequence
from pathlib import Path

from afina.errors import InputError
from afina.evaluate.arms import Arm
from afina.evaluate.metrics import Metric, load_metric, require_form, score_outputs
from afina.evaluate.record import head_of, is_record, read_record, write_record
from afina.evaluate.run import as_line, as_lines, run_arm
from afina.evaluate.sets import only_parts
from afina.progress import Tell, unheard
from afina.records import LIKELIHOOD, EvalItem, EvalRecord, EvalSet, Output, Part, Scored
from afina.store.paths import write_whole


def ask_arms(
    arms: Sequence[Arm],
    eval_set: EvalSet,
    metrics: Sequence[str],
    folder: Path,
    *,
    tell: Tell = unheard,
) -> list[Scored]:
    """Ask every arm that has no finished record of this set in `folder`; score all. One arm after the other: one model in memory.

    Raises:
        InputError: two arms of one name; a metric is unknown, fails or does not fit the items.
    """
    names = [arm.name for arm in arms]
    for name in names:
        if names.count(name) > 1 or not name or "/" in name or name.startswith(".") or name.endswith(".partial"):
            raise InputError(f"the arm's name {name!r} is there twice or cannot be a file's name")
    loaded = [load_metric(name) for name in metrics]
    for metric in loaded:  # before anybody is asked for hours
        require_form(metric, [item for item in eval_set.items if item.part is Part.TARGET])
    total = len(arms) * len(eval_set.items)
    found = []
    for at, arm in enumerate(arms):
        before = at * len(eval_set.items)

        def so_far(done: int, _: int, note: str = "", *, before: int = before) -> None:
            tell(before + done, total, note)

        found.append(ask_arm(arm, eval_set, loaded, folder, tell=so_far))
        tell(before + len(eval_set.items), total, arm.name)
    return found


def forget(arms: Sequence[Arm], folder: Path) -> None:
    """Remove the arms' records, so that all are asked: what an address or a server answers may have changed without its name."""
    for path in (folder / f"{arm.name}{kind}" for arm in arms for kind in (".jsonl", ".partial.jsonl")):
        if path.exists() and is_record(path):
            path.unlink()


def ask_arm(arm: Arm, eval_set: EvalSet, metrics: Sequence[Metric], folder: Path, *, tell: Tell = unheard) -> Scored:
    """One arm; its record is written whole when the last item is answered.

    Raises:
        InputError: a file of the record's name is there that is no record.
    """
    eval_set = eval_set if arm.parts is None else only_parts(eval_set, arm.parts)
    path, partial = folder / f"{arm.name}.jsonl", folder / f"{arm.name}.partial.jsonl"
    record = finished(path, eval_set, arm)
    if record is not None and any(output.error for output in record.outputs):
        good = [as_line(output) for output in record.outputs if not output.error]
        write_whole(partial, as_lines(head_of(eval_set, arm.name, arm.source), *good))
        record = None  # what failed is asked again: the connection may have failed
    if record is None:
        record = run_arm(arm, eval_set, partial=partial, tell=tell)
    scored = score_record(record, metrics)
    write_record(path, record, scored.scores)
    partial.unlink(missing_ok=True)
    return scored


def finished(path: Path, eval_set: EvalSet, arm: Arm) -> EvalRecord | None:
    """The record of the same arm on the same set, if it is there and whole.

    Raises:
        InputError: there is a file that is no record, which would be written over.
    """
    if path.exists() and not is_record(path):
        raise InputError(
            f"{path} is there and is no record of an evaluation",
            remedy="choose another --out, or another name for the arm",
        )
    try:
        record, _ = read_record(path)
    except InputError:
        return None
    same = head_of(record.eval_set, record.arm, record.source) == head_of(eval_set, arm.name, arm.source)
    return record if same else None


def score_record(record: EvalRecord, metrics: Sequence[Metric]) -> Scored:
    """Scores by `PART/METRIC` (the target part by the metric alone). Parts other than the target are judged by their rules."""
    scores: dict[str, dict[str, float]] = {}
    rules = load_metric("rules")
    for part in Part:
        before = "" if part is Part.TARGET else f"{part.value}/"
        pairs = [(i, o) for i, o in zip(record.eval_set.items, record.outputs, strict=True) if i.part is part]
        for metric in metrics if part is Part.TARGET else [rules]:
            values = score_outputs(metric, [i for i, _ in pairs], [o for _, o in pairs])
            if values:
                scores[f"{before}{metric.name}"] = values
        if weighed := likelihoods(pairs):
            scores[f"{before}{LIKELIHOOD}"] = weighed
    return Scored(record=record, scores=scores)


def likelihoods(pairs: Sequence[tuple[EvalItem, Output]]) -> dict[str, float]:
    """Item → likelihood of the expected answer, where an arm weighed any; an item that failed has the worst one."""
    weighed = {o.item: o.log_likelihood for _, o in pairs if o.log_likelihood is not None}
    if not weighed:
        return {}
    worst = min(weighed.values())
    failed = {item.id: worst for item, output in pairs if output.error and item.expected}
    return {**failed, **weighed}
