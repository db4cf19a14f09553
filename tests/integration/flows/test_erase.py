"""A person out of everything."""

import json

import pytest

from afina.errors import InputError, ReleaseError, StoreError
from afina.flows.curate import curate_project
from afina.flows.erase import erase_user, look
from afina.flows.freeze import freeze_project
from afina.flows.project import Project
from afina.flows.rollouts import release_direct
from afina.progress import Silent, Stages
from afina.records import Example
from afina.store.paths import write_whole
from tests.integration.people import said

USER = "u10"


def test_a_person_is_found_first_and_nothing_is_changed(people: Project) -> None:
    """What there is: rows, the dataset, the version that learnt from it, the files."""
    found, marks, texts = look(people, USER)

    assert (found.held.interactions, found.held.feedback, found.held.judgements) == (3, 3, 3)
    assert [one.rows for one in found.held.datasets] == [3]
    assert [one.name for one in found.held.versions] == ["v1"]
    assert any("datasets" in path for path in found.files)
    assert len(marks)
    assert said(10) in texts
    assert look(people, USER)[0] == found
    with pytest.raises(InputError, match="nobody is called 'x'"):
        look(people, "x")


def test_nothing_of_an_erased_person_is_left(people: Project) -> None:
    """Not in a table, a file, a page of the server or its log; other people's rows are all there."""
    export = people.paths.exports / "training-dataset-latest.jsonl"
    write_whole(export, json.dumps({"text": said(10)}) + "\n" + json.dumps({"text": said(8)}) + "\n")
    write_whole(people.paths.logs / "gateway.log", f"GET /\nfailed: {said(50)}\n")
    dataset = people.ledger.dataset()
    learnt = {one.origin.user for one in dataset.seen()}

    done = erase_user(people, USER, Stages(Silent()))

    assert done.traces == ()
    assert done.marks > 0
    with people.session() as session:
        counts = session.execute(
            "SELECT (SELECT count(*) FROM app.interactions) AS said, (SELECT count(*) FROM ml.dataset_examples) AS frozen, "
            "(SELECT count(*) FROM app.users WHERE external_id = 'u10') AS users, (SELECT count(*) FROM app.erasures) AS erasures"
        ).fetchone()
        rebuild = session.execute("SELECT must_rebuild FROM ml.model_versions").fetchone()
    assert counts == {"said": 117, "frozen": 117, "users": 0, "erasures": 1}
    assert export.read_text("utf-8") == json.dumps({"text": said(8)}) + "\n"
    assert (people.paths.logs / "gateway.log").read_text("utf-8") == "GET /\n[erased]\n"
    assert json.loads((people.paths.dataset(dataset.id) / "tombstone.json").read_text())["erased_rows"] == 3
    with pytest.raises(StoreError, match="a tombstone: 3 rows of it were erased"):
        people.ledger.dataset(dataset.id)
    assert USER in learnt
    assert rebuild
    assert "erased" in rebuild["must_rebuild"]
    with pytest.raises(ReleaseError, match="must be rebuilt"):
        release_direct(people, people.ledger.version("v1"), actor="a", reason="b")
    with pytest.raises(InputError, match="nobody is called"):
        erase_user(people, USER, Stages(Silent()))


def test_the_rest_can_be_frozen_again_and_keeps_its_parts(people: Project) -> None:
    """Without the rows of the person, everybody else where they were."""
    before = {one.group: part for part, rows in parts(people).items() for one in rows}
    erase_user(people, USER, Stages(Silent()))
    curate_project(people, Stages(Silent()))

    dataset = freeze_project(people, Stages(Silent()))

    assert sum(dataset.card["rows"].values()) == 117
    after = {one.group: part for part, rows in parts(people).items() for one in rows}
    assert after.items() <= before.items()


def parts(project: Project) -> dict[str, list[Example]]:
    """Part → examples."""
    dataset = project.ledger.dataset()
    return {"train": list(dataset.train), "validation": list(dataset.validation), "test": list(dataset.test)}


def test_what_waits_in_the_spool_is_moved_first(people: Project) -> None:
    """It would come into the database after the erasure."""
    write_whole(people.paths.spool / "1-1" / "00000001.spool", b"sealed")

    with pytest.raises(StoreError, match="6 bytes of traffic wait for the database"):
        erase_user(people, USER, Stages(Silent()))


def test_a_version_that_only_was_judged_by_them_need_not_be_rebuilt(people: Project) -> None:
    """Their rows stood in the test part: the model never saw them."""
    held_out = people.ledger.dataset().test[0].origin.user

    done = erase_user(people, held_out, Stages(Silent()))

    assert [one.learnt for one in done.held.datasets] == [0]
    assert done.held.versions == ()
    assert done.traces == ()
