"""Is there enough that is new? What was curated since the last dataset, and whether its classes are still the same."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import ceil

from afina.errors import StoreError
from afina.flows.project import Project
from afina.records import Example, Split
from afina.settings import Settings

SMALL = 0.01
"""A drift that chance gives less often is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a training now would know more than the last dataset."""

    dataset: str
    """The last one; empty = nothing was frozen yet."""
    rows: int
    """Curated rows that it does not hold."""
    share: float
    """The same, of its rows."""
    drift: float
    """Half the sum of the differences between the shares of the classes, new rows against the dataset's: 0 to 1."""
    drift_p: float
    """How often chance alone gives such a drift (chi-squared test); 1 where there are no classes."""
    uncovered: dict[str, int] = field(default_factory=dict)
    """Class → new rows of it, of the classes that its training part lacks."""
    enough: bool = False
    because: str = ""


def new_evidence(project: Project) -> Evidence:
    """The number that decides whether training again is worth it."""
    kept = project.ledger.kept()
    try:
        dataset = project.ledger.dataset()
    except StoreError:
        return decided(Evidence(dataset="", rows=len(kept), share=1.0, drift=0.0, drift_p=1.0), project.settings)
    held = {content_of(example) for part in Split for example in dataset.part(part)}
    new = [example for example in kept if content_of(example) not in held]
    old = [example for part in Split for example in dataset.part(part)]
    drift, chance = drift_of(old, new)
    known = {example.stratum for example in dataset.train}
    uncovered = Counter(example.stratum.replace("\x1f", " / ") for example in new if example.stratum not in known)
    found = Evidence(
        dataset=dataset.id,
        rows=len(new),
        share=len(new) / max(1, len(old)),
        drift=drift,
        drift_p=chance,
        uncovered=dict(uncovered.most_common()),
    )
    return decided(found, project.settings)


def content_of(example: Example) -> tuple[tuple[str, ...], str]:
    """What makes an example another one."""
    return tuple(turn.content for turn in example.turns), example.answer


def drift_of(old: Sequence[Example], new: Sequence[Example]) -> tuple[float, float]:
    """How far the classes of the new rows are from those of the old ones, and how often chance gives as much."""
    before, after = (Counter(example.stratum for example in rows) for rows in (old, new))
    classes = sorted(before.keys() | after.keys())
    if not old or not new or len(classes) < 2:
        return 0.0, 1.0
    from scipy.stats import chi2_contingency  # 0.5 s: only where there is something to compare

    drift = sum(abs(before[one] / len(old) - after[one] / len(new)) for one in classes) / 2
    chance = float(chi2_contingency([[before[one] for one in classes], [after[one] for one in classes]]).pvalue)
    return drift, chance


def decided(found: Evidence, all_settings: Settings) -> Evidence:
    """With the decision and its reason in a sentence."""
    settings = all_settings.loop
    missing = settings.min_new_rows - found.rows
    covered = sum(found.uncovered.values())
    if not found.dataset:
        least = first_rows(all_settings)
        needed = "" if found.rows >= least else f", {least} are needed for a verdict"
        because = f"nothing was frozen yet: {found.rows} curated rows are new{needed}"
        return replace(found, enough=found.rows >= least, because=because)
    if missing <= 0:
        return replace(
            found, enough=True, because=f"{found.rows} curated rows are new, {settings.min_new_rows} are enough"
        )
    if found.rows and found.drift >= settings.max_drift and found.drift_p < SMALL:
        because = f"the classes have drifted by {found.drift:.0%} (p = {found.drift_p:.2g}), more than {settings.max_drift:.0%}"
        return replace(found, enough=True, because=because)
    if covered >= settings.min_uncovered:
        names = ", ".join(list(found.uncovered)[:5])
        return replace(
            found, enough=True, because=f"{covered} new rows are of classes that were never trained on: {names}"
        )
    because = f"not enough new evidence: {found.rows} new rows of {settings.min_new_rows}, drift {found.drift:.0%}, {covered} of unknown classes"
    return replace(found, because=because)


def first_rows(settings: Settings) -> int:
    """Rows that a first dataset needs, so that its held-out part is enough for a verdict."""
    share = settings.freeze.test_share
    for_verdict = ceil(settings.evaluate.min_items / share) if share else 0
    return max(settings.freeze.min_examples, for_verdict)
