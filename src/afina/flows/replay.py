"""What a new dataset repeats: rows of earlier ones, and the untuned base's own answers to everyday messages."""

import tomllib
from importlib import resources

from afina.errors import SettingsError
from afina.evaluate.arms import Asking, gguf_arm
from afina.evaluate.ask import ask_arms
from afina.evaluate.sets import make_set
from afina.flows.base_file import base_gguf
from afina.flows.project import Project
from afina.freeze import replayed, training_rows
from afina.ids import example_id
from afina.progress import Stages
from afina.records import EvalItem, Example, Origin, Turn

SYSTEM = {"en": "You are a helpful assistant.", "es": "Eres un asistente útil."}
SOURCE = "the base's own answers"


def earlier_rows(project: Project, kept: list[Example]) -> list[Example]:
    """Rows that were trained on once and are curated no more, as many as `freeze.replay` wants."""
    settings = project.settings.freeze
    return replayed(project.ledger.once_trained(), kept, settings) if settings.replay else []


def own_answers(project: Project, kept: list[Example], stages: Stages) -> list[Example]:
    """What the untuned base says to everyday messages, in the task's language first, as many as `freeze.self_replay` wants.

    Raises:
        SettingsError: answers of this task are bound by a schema, or are no text.
    """
    count = int(project.settings.freeze.self_replay * training_rows(len(kept), project.settings.freeze))
    if not count:
        return []
    if not project.task.kind.prose or project.task.schema is not None:
        raise SettingsError(
            "freeze.self_replay: the base's own answers are free text, and answers of this task are not",
            remedy="set it to 0; freeze.replay repeats rows of earlier datasets for every kind of task",
        )
    told = tomllib.loads(resources.files("afina.freeze").joinpath("general.toml").read_text("utf-8"))
    first = project.settings.task.language
    asked = [(language, text) for language in sorted(told, key=lambda one: one != first) for text in told[language]][
        :count
    ]
    items = [
        EvalItem(id=f"{at}", turns=(Turn("system", SYSTEM[language]), Turn("user", text)), expected=text)
        for at, (language, text) in enumerate(asked)
    ]
    settings, folder = project.settings, project.paths.evaluation("replay")
    with stages.stage("replay") as stage:
        gguf = base_gguf(settings, folder=project.paths.bases, tell=stage.tell)
        how = Asking(max_tokens=settings.evaluate.max_tokens, timeout_s=settings.evaluate.timeout_s)
        arm = gguf_arm("base", gguf, settings.runtime, how, log=folder / "base.log")
        name = f"replay {gguf.parent.name} {len(items)}"
        [scored] = ask_arms([arm], make_set(name, items), ("chrf",), folder / gguf.parent.name, tell=stage.tell)
        said = {one.item: one.text.strip() for one in scored.record.outputs}
        stage.note = f"{sum(map(bool, said.values()))} of {len(items)} messages answered by the base"
    return [
        Example(
            id=example_id(f"replay/{gguf.parent.name}/{item.id}"),
            turns=item.turns,
            answer=said[item.id],
            group=f"replay {item.id}",
            stratum="replay",
            origin=Origin(source=SOURCE),
        )
        for item in items
        if said.get(item.id)
    ]
