"""Take a file in; curate what is there."""

from collections import Counter
from pathlib import Path

from afina.bases import resolve_base
from afina.capture import read_entries, scrub_entry, scrub_exchange
from afina.chat.render import Renderer
from afina.curate import curate
from afina.errors import TemplateError
from afina.files import NOTICES
from afina.flows.privacy import policy_of
from afina.flows.project import Project
from afina.progress import Stages
from afina.records import Curated, Entry, Example, Turn
from afina.runtime.renderer import renderer_of
from afina.tasks import Rule, Task
from afina.texts import t

SURELY_FITS = 0.25
"""A text of so many characters for each token of the limit is not measured: no tokenizer makes four tokens of a character."""


def import_file(project: Project, file: Path, stages: Stages) -> tuple[int, list[str]]:
    """Rows of a file. Returns how many were new, and what looks wrong with their decisions, which is also said."""
    with stages.stage("import") as stage:
        found = read_entries(file, project.task, client=project.client)
        notices = project.task.kind.notices((one.line, one.feedback.value) for one in found if one.feedback)
        for notice in notices:
            NOTICES.warning("%s: %s", file, notice)
        policy = policy_of(project.settings.privacy, project.paths, project.client)
        found = told_changes(file, found, [scrub_entry(one, policy) for one in found])
        added, changed = project.ledger.add(found)
        again = f", {changed} decided anew" if changed else ""
        scrubbed = sum((Counter(one.interaction.findings) for one in found), Counter())
        said = ", ".join(f"{n} {kind}" for kind, n in scrubbed.most_common())
        stage.note = f"{added} new of {len(found)} rows{again}" + (f"; scrubbed {said}" if said else "")
    return added, notices


def told_changes(file: Path, before: list[Entry], after: list[Entry]) -> list[Entry]:
    """The scrubbed rows; that right answers were changed is said, because a task may be to find just that."""
    changed = [
        a.line
        for a, b in zip(before, after, strict=True)
        if a.feedback and b.feedback and a.feedback.value != b.feedback.value
    ]
    if changed:
        NOTICES.warning(
            "%s: %d right answers held personal data, which were taken out (line %d); [privacy] types says what stays",
            file,
            len(changed),
            changed[0],
        )
    return after


def curate_project(project: Project, stages: Stages) -> Curated:
    """Judge everything that may be learnt; the judgement is kept."""
    with stages.stage("curate") as stage:
        exchanges = project.ledger.exchanges(needs_feedback=project.task.kind.needs_feedback)
        policy = policy_of(project.settings.privacy, project.paths, project.client)
        exchanges = [scrub_exchange(one, policy) for one in exchanges]
        curated = curate(exchanges, project.task, more=[fits(project)])
        project.ledger.save_curated(curated)
        reasons = Counter(rejection.reason for rejection in curated.rejections)
        stage.note = ", ".join(f"{n} {t(what)}" for what, n in {"kept": len(curated.examples), **reasons}.items())
    return curated


def fits(project: Project) -> Rule:
    """The rule that an example can be rendered, and is short enough to be trained on and to leave room for an answer when it
    is served: found later it would end the whole run. Short plain exchanges are not rendered: most are.
    """
    settings = project.settings
    limit = min(
        settings.train.training.max_seq_length, settings.runtime.context - min(settings.evaluate.max_tokens, 160)
    )
    prompt = project.task.kind.prompt(project.task)
    loaded: list[Renderer] = []

    def rule(example: Example, _task: Task) -> str:
        chat = with_prompt(example, prompt)
        characters = sum(len(turn.content.encode()) for turn in chat)
        roles = [turn.role for turn in chat]
        plain = roles in (["user", "assistant"], ["system", "user", "assistant"])
        if not example.turns or (plain and characters < SURELY_FITS * limit):
            return ""
        if not loaded:
            loaded.append(renderer_of(resolve_base(settings.base.model)))
        try:
            length = len(loaded[0].training(chat, only_last=True).ids)
        except TemplateError as exc:
            return str(exc)
        return (
            f"{length} tokens, more than {limit} (max_seq_length, and the context less a reply)"
            if length > limit
            else ""
        )

    return rule


def with_prompt(example: Example, prompt: str) -> tuple[Turn, ...]:
    """An example as a whole chat: the prompt where the chat brings no system turn, the turns, the answer."""
    own = bool(example.turns) and example.turns[0].role == "system"
    system = (Turn("system", prompt),) if prompt and example.turns and not own else ()
    return (*system, *example.turns, Turn("assistant", example.answer))
