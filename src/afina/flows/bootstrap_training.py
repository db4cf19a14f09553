"""A generation of a bootstrap: how long it trains, document 001's remedies where that is too long or the one before it overfitted, the tuning."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afina.bases import resolve_base
from afina.errors import NotEnoughDataError
from afina.flows.boot import Boot
from afina.flows.learn import Lesson, learn
from afina.flows.project import folder_project
from afina.flows.role_compare import Contender
from afina.flows.role_space import RoleSpace
from afina.records import Turn
from afina.runtime.renderer import renderer_of
from afina.settings import Settings
from afina.train.encode import Long, encode_chats
from afina.train.plan import plan_training
from afina.train.shape import read_model_config

MOST_HOURS = 24.0
"""A training may take no longer (document 001)."""
FEWER_EXAMPLES, FEWER_EPOCHS, LOWER_RANK = 80, 2, 8
"""What it says where it would."""
FEWEST, TEST_SHARE = 1, 0.05
"""Written examples that are held out: their verdict is shown, the authored ones decide. A fifth of them cost a training's time and taught nothing."""
MORE_DROPOUT, LOWER_RATE = 0.1, 0.5
"""What it says of overfitting; the factor is ours."""


def expected_seconds(space: RoleSpace, examples: int) -> float:
    """Predicted time of a training on so many examples as long as the role's authored ones; measures for at most a minute or so.

    Raises:
        TrainError: none of them fits into `max_seq_length`.
    """
    base, training = resolve_base(space.settings.base.model), space.settings.train
    chats = [
        (Turn("system", space.role.prompt), Turn("user", seed.question), Turn("assistant", seed.text))
        for seed in space.role.seeds()
    ]
    most = training.training.max_seq_length
    rendered = encode_chats(chats, renderer_of(base), max_tokens=most, only_last=True, long=Long("drop"))
    plan = plan_training(rendered, read_model_config(base), training)
    return plan.seconds / plan.examples * examples


def expected_training(space: RoleSpace, generations: tuple[int, ...]) -> tuple[tuple[int, ...], float, list[str]]:
    """Examples of each generation, minutes of all trainings, document 001's remedy where the last one would take over a day."""
    hours = expected_seconds(space, sum(generations)) / 3600
    return shortened(generations, hours)


def shortened(generations: tuple[int, ...], hours: float) -> tuple[tuple[int, ...], float, list[str]]:
    """The same of what the last training, which has the examples of all generations, is expected to take."""
    per_example, remedies = hours / sum(generations), list[str]()
    if hours > MOST_HOURS:
        generations = tuple(min(wanted, FEWER_EXAMPLES) for wanted in generations)
        remedy = f"training would take {hours:.0f} hours: at most {FEWER_EXAMPLES} examples of each generation, {FEWER_EPOCHS} epochs, r {LOWER_RANK}"
        remedies = [remedy]
    examples = sum(sum(generations[: number + 1]) for number in range(len(generations)))
    return generations, per_example * examples * 60, remedies


def shorter(settings: Settings) -> Settings:
    """A smaller adapter, fewer epochs."""
    lora = {"r": min(settings.train.lora.r, LOWER_RANK)}
    return changed(settings, lora, {"num_epochs": min(settings.train.training.num_epochs, FEWER_EPOCHS)})


def overfitted(result: dict[str, Any]) -> bool:
    """Whether a run was best at half its way or before: what came later only learnt the examples by heart."""
    return bool(result.get("stopped_early")) or 2 * int(result["best_step"]) <= int(result["planned_steps"])


def gentler(settings: Settings) -> Settings:
    """More dropout, a lower rate."""
    lora = {"lora_dropout": max(settings.train.lora.lora_dropout, MORE_DROPOUT)}
    return changed(settings, lora, {"learning_rate": settings.train.training.learning_rate * LOWER_RATE})


def changed(settings: Settings, lora: dict[str, Any], training: dict[str, Any]) -> Settings:
    """The settings with some of a training's replaced."""
    train = settings.train
    own = {"lora": train.lora.model_copy(update=lora), "training": train.training.model_copy(update=training)}
    return settings.model_copy(update={"train": train.model_copy(update=own)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """A version: its served file, and what its training came to."""

    name: str
    source: str
    result: dict[str, Any]

    def contender(self, space: RoleSpace) -> Contender:
        """As it is asked."""
        return Contender(name=self.name, source=self.source, program=space.short_program())


def tuned_step(boot: Boot, number: int, training: Path) -> Contender:
    """A generation, unless it is done."""
    name = f"v{number}"
    if name not in boot.done:
        made = tuned_model(boot, name, training)
        note = f"{Path(made.source).stat().st_size / 1e6:.1f} MB"
        found: dict[str, Any] = {"gguf": boot.space.below(Path(made.source)), "overfitted": overfitted(made.result)}
        if learnt_by_heart(boot, number - 1):
            remedy = f"v{number - 1} overfitted: v{number} was tuned with dropout {MORE_DROPOUT} and half the rate"
            note, found["remedies"] = f"{note}; {remedy}", [remedy]
        boot.keep(name, {**found, "note": note})
    return generation(boot, name)


def generation(boot: Boot, name: str) -> Contender:
    """One that was tuned, as it is asked."""
    source = boot.space.folder / str(boot.done[name]["gguf"])
    return Contender(name=name, source=str(source), program=boot.space.short_program())


def tuned_model(boot: Boot, name: str, training: Path) -> Tuned:
    """Tuned from the base on examples, exported, judged on those that are held out: all that `afina learn` does, in a folder of its own.

    Nothing is scrubbed here: what a model made up is nobody's, and what people said was scrubbed when it was gathered. A mask in the
    place of a component's name would be learnt.
    """
    settings = training_settings(boot, name)
    privacy = settings.privacy.model_copy(update={"scrub": False})
    evaluate = settings.evaluate.model_copy(update={"min_items": FEWEST, "max_corrections": 0})
    settings = settings.model_copy(update={"privacy": privacy, "evaluate": evaluate})
    folder = boot.folder / name
    lesson = Lesson(data=training, folder=folder)
    try:
        report = learn(lesson, held_out(settings, TEST_SHARE), boot.stages.narrator, resume=True)
    except NotEnoughDataError:  # of so few all may be known from training: said before it begins
        report = learn(lesson, settings, boot.stages.narrator, resume=True)
    project = folder_project(folder, settings)
    version = project.ledger.version(report["tasks"][0]["version"])
    assert version.run is not None  # it was trained just now, or by the call that was interrupted
    result = project.ledger.run(version.run).result
    return Tuned(name=name, source=str(project.paths.data / version.gguf), result=result)


def held_out(settings: Settings, share: float) -> Settings:
    """The settings with at most such a share held out."""
    freeze = settings.freeze.model_copy(update={"test_share": min(settings.freeze.test_share, share)})
    return settings.model_copy(update={"freeze": freeze})


def training_settings(boot: Boot, name: str) -> Settings:
    """The role's, with the time that each generation has and the remedies that are due."""
    settings = boot.space.settings
    if boot.options.minutes:
        settings = changed(settings, {}, {"minutes": boot.options.minutes})
    if boot.done.get("budget", {}).get("remedies"):
        settings = shorter(settings)
    before = name.removeprefix("v")
    return gentler(settings) if before.isdigit() and learnt_by_heart(boot, int(before) - 1) else settings


def learnt_by_heart(boot: Boot, number: int) -> bool:
    """Whether a generation is there that overfitted."""
    return bool(boot.done.get(f"v{number}", {}).get("overfitted"))
