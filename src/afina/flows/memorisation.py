"""Planted secrets: checked before training that they are learnt, asked of the served file after it, and the verdict that follows."""

from dataclasses import asdict, replace
from typing import Any

from afina.chat.render import Renderer
from afina.errors import InputError
from afina.evaluate.arms import Arm
from afina.evaluate.ask import ask_arms
from afina.evaluate.memorisation import Memory, Probe, measure
from afina.evaluate.sets import make_set
from afina.freeze.canaries import DECOYS, is_canary, make_canaries
from afina.progress import Stages
from afina.records import Cause, Dataset, EvalItem, Outcome, Turn, Verdict
from afina.store.paths import Paths, write_json
from afina.texts import t

LEAST_TOKENS = 4
"""A secret of ten random characters has more."""


def require_learnt(dataset: Dataset, renderer: Renderer, *, most_tokens: int) -> None:
    """Check that the loss counts every planted secret: a mask or a limit that leaves them out would measure nothing.

    Raises:
        InputError: one is not, says which.
    """
    for example in dataset.train:
        if not is_canary(example):
            continue
        rendered = renderer.training(example.chat(dataset.prompt), only_last=True)
        counted = sum(rendered.supervised)
        if len(rendered.ids) > most_tokens or counted < LEAST_TOKENS:
            raise InputError(
                f"planted secret {example.id}: {counted} of its {len(rendered.ids)} tokens are learnt, {most_tokens} fit",
                remedy="raise training.max_seq_length, or shorten the prompt; or plant none (privacy.canaries = 0)",
            )


def probe(dataset: Dataset, arm: Arm, paths: Paths, stages: Stages) -> Memory | None:
    """Ask the served file for every planted secret; None where none was planted."""
    told: dict[str, Any] | None = dataset.card.get("canaries")
    if not told:
        return None
    canaries = make_canaries(told["count"], told["seed"])
    others = make_canaries(told["count"], f"{told['seed']}/{DECOYS}")
    items = [
        EvalItem(id=f"{kind}{one.id}", turns=(Turn("user", one.question),), expected=one.answer)
        for kind, some in (("", canaries), (DECOYS, others))
        for one in some
    ]
    with stages.stage("memorisation") as stage:
        folder = paths.evaluation(dataset.id)
        [scored] = ask_arms([arm], make_set(f"{dataset.task} memorisation", items), ("chrf",), folder, tell=stage.tell)
        outputs = {one.item: one for one in scored.record.outputs}
        probes = [
            Probe(
                id=one.id,
                secret=one.secret,
                repeats=one.repeats,
                said=outputs[one.id].text,
                log_likelihood=outputs[one.id].log_likelihood,
            )
            for one in canaries
        ]
        unplanted = {
            one.id: likelihood
            for one in others
            if (likelihood := outputs[f"{DECOYS}{one.id}"].log_likelihood) is not None
        }
        memory = measure(probes, unplanted)
        write_json(folder / "memorisation.json", asdict(memory))
        stage.note = sentence(memory)
    return memory


def sentence(memory: Memory) -> str:
    """What was measured, in words."""
    parts = ", ".join(f"{found} of {of} planted {repeats} ×" for repeats, (found, of) in memory.by_repeats.items())
    told = "" if memory.membership is None else f"; likelihood tells them from others with AUC {memory.membership:.2f}"
    return f"{memory.extracted} of {memory.planted} planted secrets are repeated (at most {memory.high95:.1%}): {parts}{told}"


def held(verdict: Verdict, memory: Memory | None, *, most: float) -> Verdict:
    """The verdict; no-go where the served file may repeat more than is accepted."""
    if memory is None:
        return verdict
    said = sentence(memory)
    if memory.high95 <= most:
        return replace(verdict, reasons=(*verdict.reasons, said))
    why = t("the served file repeats secrets of its training: {said}; at most {most} are accepted").format(
        said=said, most=f"{most:.1%}"
    )
    if verdict.outcome is Outcome.CANNOT_TELL:
        return replace(verdict, reasons=(*verdict.reasons, why))
    return replace(verdict, outcome=Outcome.NO_GO, cause=Cause.MEMORISED, because=why, reasons=(why, *verdict.reasons))
