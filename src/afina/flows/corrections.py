"""Every correction ever made is asked of each candidate: what was right and is wrong now is named, and too much of it stops the verdict."""

from collections.abc import Sequence
from dataclasses import replace

from afina.evaluate.arms import Arm
from afina.evaluate.ask import ask_arms
from afina.evaluate.metrics import load_metric
from afina.evaluate.sets import make_set
from afina.flows.project import Project
from afina.progress import Stages
from afina.records import Cause, Change, Corrections, Dataset, EvalItem, FeedbackKind, Outcome, Scored, Verdict
from afina.store.paths import Paths

RIGHT = 0.5
"""A score from here on is a right answer: of measures that are 0 or 1 it is 1, of the others the half."""
SHOWN = 50


def correction_items(project: Project, *, most: int) -> list[EvalItem]:
    """What people put right and curation believes, the newest first; a message that was corrected again counts as it was last."""
    found: dict[tuple[str, ...], EvalItem] = {}
    rules = project.task.kind.item_rules(project.task)
    corrected = [one for one in project.ledger.kept() if one.origin.evidence == FeedbackKind.CORRECTED.value]
    for one in sorted(corrected, key=lambda one: one.origin.at):
        asked = tuple(turn.content for turn in one.turns)
        found.pop(asked, None)
        found[asked] = EvalItem(id=one.id, turns=one.turns, expected=one.answer, group=one.group, rules=rules)
    return list(found.values())[::-1][:most]


def ask_corrections(
    items: Sequence[EvalItem], dataset: Dataset, arms: tuple[Arm, Arm], metric: str, where: tuple[Paths, Stages]
) -> Corrections:
    """Ask what is in front of users, or the base, and the candidate."""
    paths, stages = where
    with stages.stage("corrections") as stage:
        asked = make_set(f"{dataset.task} corrections", items, answer_schema=dataset.answer_schema)
        before, after = ask_arms(arms, asked, (metric,), paths.evaluation(dataset.id), tell=stage.tell)
        found = compared(before, after, load_metric(metric).name)
        stage.note = sentence(found)
    return found


def compared(before: Scored, after: Scored, metric: str) -> Corrections:
    """What was right, what is, and what is no more."""
    old, new = before.scores.get(metric, {}), after.scores.get(metric, {})  # none where it applies to no item
    told = [{output.item: output.text or output.error for output in arm.record.outputs} for arm in (before, after)]
    items = [item for item in after.record.eval_set.items if item.id in old and item.id in new]
    broken = [item for item in items if old[item.id] >= RIGHT > new[item.id]]
    return Corrections(
        before=before.name.partition(".")[0],
        asked=len(items),
        was_right=sum(old[item.id] >= RIGHT for item in items),
        now_right=sum(new[item.id] >= RIGHT for item in items),
        broken=len(broken),
        changes=tuple(
            Change(
                id=item.id,
                part=item.part.value,
                question=item.question,
                expected=item.expected,
                metric=metric,
                a_score=old[item.id],
                b_score=new[item.id],
                a=told[0][item.id],
                b=told[1][item.id],
            )
            for item in broken[:SHOWN]
        ),
    )


def sentence(found: Corrections) -> str:
    """The counts in words."""
    right = f"{found.before} has {found.was_right} right, the new version {found.now_right}"
    return f"of {found.asked} corrections ever made {right}; {found.broken} that were right are wrong now"


def with_corrections(verdict: Verdict, found: Corrections, *, most: float, decides: bool) -> Verdict:
    """The verdict with them. `decides`: too large a share of what was right and is wrong now, surely (95 %), makes it a no-go."""
    said = sentence(found)
    verdict = replace(verdict, corrections=found, reasons=(*verdict.reasons, said))
    if not decides or not found.broken or verdict.outcome is not Outcome.GO:
        return verdict
    from scipy.stats import beta  # 0.5 s: only where something broke

    surely = float(beta.ppf(0.05, found.broken, found.was_right - found.broken + 1))
    if surely <= most:
        return verdict
    why = f"{said}: more than {most:.0%} of them"
    return replace(verdict, outcome=Outcome.NO_GO, cause=Cause.REGRESSED, because=why, reasons=(why, *verdict.reasons))
