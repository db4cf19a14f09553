"""How the untuned base is asked: as well as its owner would ask it, or a victory over it means nothing."""

from afina.chat.render import Renderer
from afina.errors import TemplateError
from afina.files import NOTICES
from afina.flows.project import Project
from afina.records import Dataset, Turn
from afina.settings import Settings

SPARE = 16
"""Tokens that must be left beside the longest expected answer."""


def opponent_prompt(project: Project, dataset: Dataset, settings: Settings, renderer: Renderer) -> str:
    """The kind's instructions with everything that is known (labels, descriptions, schema), if they fit into the context with
    the longest held-out message; else the short prompt, which is said.
    """
    told = project.task.kind.instructions(project.task, dataset.answer_schema)
    short = dataset.prompt
    answer = max((e.answer for e in dataset.test), key=len, default="")
    room = settings.runtime.context - min(settings.evaluate.max_tokens, len(renderer.ids(answer)) + SPARE)
    longest = max((e.turns for e in dataset.test), key=lambda turns: sum(len(t.content) for t in turns), default=())
    if told == short or not longest:
        return told
    talk = tuple(turn for turn in longest if turn.role != "system")
    try:
        tokens = len(renderer.ids(renderer.prompt((Turn("system", told), *talk))))
    except TemplateError:
        return told
    if tokens <= room:
        return told
    NOTICES.warning(
        "the base is asked with the short prompt: its instructions and the longest message take %d tokens, the context has "
        "room for %d (runtime.context)",
        tokens,
        room,
    )
    return short
