"""The base's own answers, and rows of earlier datasets."""

from dataclasses import replace
from typing import Any

import pytest

from afina.errors import SettingsError
from afina.flows.curate import curate_project
from afina.flows.freeze import freeze_project
from afina.flows.project import Project
from afina.flows.replay import SOURCE, own_answers
from afina.progress import Silent, Stages
from afina.records import Split
from afina.settings import Settings
from tests.tasks import replied, task_of


def with_settings(project: Project, **freeze: Any) -> Project:
    """The project with other settings of freezing."""
    own = {**project.settings.model_dump(), "freeze": {**project.settings.freeze.model_dump(), **freeze}}
    return replace(project, settings=Settings.model_validate(own))


def test_rows_that_fell_out_of_curation_come_back_where_they_were(people: Project) -> None:
    """Curated are only the newest ninety; three of the others are trained on again, none is held out."""
    first = people.ledger.dataset()
    stricter = people.settings.curate.model_copy(update={"newest": 90})
    fewer = replace(people, settings=people.settings.model_copy(update={"curate": stricter}))
    curate_project(fewer, Stages(Silent()))

    dataset = freeze_project(with_settings(fewer, replay=0.05), Stages(Silent()))

    kept = {one.source for one in people.ledger.kept()}
    again = [one for part in Split for one in dataset.part(part) if one.source not in kept]
    assert len(again) == 2
    assert {one.source for one in again} <= {one.source for one in first.train} & {one.source for one in dataset.train}


def test_the_base_is_asked_everyday_messages_in_the_tasks_language(project: Project) -> None:
    """Its answers come with their source; asked again nobody is asked."""
    chat = replace(with_settings(project, self_replay=0.05), task=task_of("chat"))
    kept = [replied(str(n), "hola", "Hola.") for n in range(100)]

    found = own_answers(chat, kept, Stages(Silent()))

    assert len(found) <= 3
    assert all(one.origin.source == SOURCE and one.turns[0].role == "system" and one.answer for one in found)
    assert own_answers(chat, kept, Stages(Silent())) == found


def test_a_task_whose_answers_are_no_text_has_none(project: Project) -> None:
    """Said before anything is asked."""
    with pytest.raises(SettingsError, match="free text"):
        own_answers(
            with_settings(project, self_replay=0.05), [replied(str(n), "a", "b") for n in range(100)], Stages(Silent())
        )
