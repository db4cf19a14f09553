"""The wheel on a project with a tiny model: every stage on its own, with the real database and runtime."""

import csv
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

import pytest

from afina.errors import InputError, NotEnoughDataError, ReleaseError, StoreError
from afina.files import read_chats
from afina.flows.collect import import_file
from afina.flows.curate import curate_project
from afina.flows.evaluate import evaluate_version
from afina.flows.export import base_version, export_run
from afina.flows.freeze import freeze_project
from afina.flows.learn import Lesson, learn
from afina.flows.project import Project
from afina.flows.rollouts import (
    history,
    look_at_canary,
    promote_by_hand,
    release_direct,
    settle_canary,
    start_canary,
    withdraw,
)
from afina.flows.train import interrupted_run, plan_training, train_run
from afina.progress import Silent, Stages
from afina.records import Cause, ModelVersion, Outcome, RunState, Split, Verdict
from afina.settings import Settings
from afina.tasks.classify import read_labels
from afina.verdict.record import read_verdict


def write_sample(path: Path, rows: int = 120) -> Path:
    """Messages in which one word decides each field, and no two are nearly the same."""
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["id", "text", "user", "predicted_topic", "sentiment", "topic", "intent"])
        for i in range(rows):
            topic, mood = ("pago", "envio")[i % 2], ("bien", "mal")[i // 2 % 2]
            out.writerow(
                [
                    i,
                    f"{blake2b(str(i).encode(), digest_size=8).hexdigest()} {i} sobre {topic}, todo {mood}",
                    f"u{i % 40}",
                    "pago",
                    mood,
                    topic,
                    "consulta" if i % 3 else "reclamo",
                ]
            )
    return path


@pytest.fixture
def stages() -> Stages:
    """Silent ones."""
    return Stages(Silent())


@pytest.fixture
def filled(project: Project, stages: Stages, tmp_path: Path) -> Project:
    """A project with a frozen dataset."""
    import_file(project, write_sample(tmp_path / "c.csv"), stages)
    curate_project(project, stages)
    freeze_project(project, stages)
    return project


def test_importing_twice_adds_nothing(project: Project, stages: Stages, tmp_path: Path) -> None:
    """And curating and freezing again yield the same dataset."""
    path = write_sample(tmp_path / "c.csv")

    assert (import_file(project, path, stages)[0], import_file(project, path, stages)[0]) == (120, 0)
    assert len(curate_project(project, stages).examples) == 120
    first = freeze_project(project, stages)
    curate_project(project, stages)
    assert freeze_project(project, stages).id == first.id
    assert [e.message for e in project.ledger.dataset().test] == [e.message for e in first.test]


def test_users_stay_in_their_part_when_more_is_imported(filled: Project, stages: Stages, tmp_path: Path) -> None:
    """What a live version was trained on does not become the next one's test, nor the other way round, unless it is wanted."""
    first = filled.ledger.dataset()
    more = tmp_path / "more.csv"
    text = write_sample(tmp_path / "d.csv", rows=180).read_text("utf-8").splitlines()
    more.write_text("\n".join([text[0], *(line.replace(",u", ",v") for line in text[121:])]), "utf-8")
    import_file(filled, more, stages)
    curate_project(filled, stages)

    second = freeze_project(filled, stages)

    old, new = ({e.group: part for part in Split for e in found.part(part)} for found in (first, second))
    assert len(new) > len(old)
    assert old.items() <= new.items()
    anew = freeze_project(filled, stages, new_split=True)
    assert not old.items() <= {e.group: part for part in Split for e in anew.part(part)}.items()


def test_a_dataset_lies_on_disk_as_chats(filled: Project) -> None:
    """One line an example, in the form that `afina train --data` and every other trainer reads."""
    dataset = filled.ledger.dataset()
    folder = filled.paths.dataset(dataset.id)

    chats = read_chats(folder / "train.jsonl")

    assert [c[0].content for c in chats] == [dataset.prompt] * len(dataset.train)
    assert [c[1].content for c in chats] == [e.message for e in dataset.train]
    assert [c[2].content for c in chats] == [e.answer for e in dataset.train]
    assert (folder / "test.jsonl").read_text("utf-8").count("\n") == len(dataset.test)


def test_stages_before_their_time_say_what_is_missing(project: Project, stages: Stages) -> None:
    """Each names the command that comes first."""
    with pytest.raises(NotEnoughDataError, match="0 usable examples"):
        freeze_project(project, stages)
    with pytest.raises(StoreError, match="no dataset"):
        project.ledger.dataset()
    with pytest.raises(StoreError, match="no running or failed or planned run"):
        interrupted_run(project)
    with pytest.raises(StoreError, match="no model version"):
        project.ledger.version()
    with pytest.raises(ReleaseError, match="no canary"):
        look_at_canary(project)
    with pytest.raises(ReleaseError, match="nothing live"):
        withdraw(project, actor="t", reason="r")


def test_one_turn(filled: Project, stages: Stages) -> None:
    """Train, export, evaluate, verdict, canary, promotion, rollback: each leaves its record."""
    project = filled
    dataset = project.ledger.dataset()
    run = plan_training(project, dataset)
    train_run(project, run, stages, resume=False)
    version = export_run(project, stages, run=run)
    entry, verdict = evaluate_version(project, version, stages)

    assert version.name == "tiny-classify:v1"
    assert entry["tuned"]["n"] == len(dataset.test)
    assert set(entry["baselines"]) == {"majority", "tfidf_logreg", "base+nearest"}
    assert not verdict.go  # random weights, one epoch: an honest no-go
    with pytest.raises(ReleaseError, match="no-go"):
        start_canary(project, version, actor="t")
    check_rollouts(project, verdict=verdict, version=version)


def test_a_new_version_must_be_better_than_the_live_one(filled: Project, stages: Stages) -> None:
    """Not than the base again; the live one answers the same items."""
    project = filled
    run = plan_training(project, project.ledger.dataset())
    train_run(project, run, stages, resume=False)
    first = export_run(project, stages, run=run)
    release_direct(project, first, actor="t", reason="first")
    second = export_run(project, stages, run=run)

    entry, verdict = evaluate_version(project, second, stages)

    judged = read_verdict(project.paths.model(second.id) / "verdict.json")
    assert (judged.a, judged.policy.minimum_effect) == ("live", 0.05)
    assert "live" in entry["baselines"]
    asked = judged.corrections
    assert asked is not None
    assert (asked.before, asked.broken) == ("live", 0)
    assert asked.asked > 0
    assert asked.was_right == asked.now_right, "the same weights have the same right"
    assert not verdict.go, "the same weights are no gain"


def check_rollouts(project: Project, *, verdict: Verdict, version: ModelVersion) -> None:
    """With a go: production, canary, waiting, promotion, rollback."""
    dataset = project.ledger.dataset()
    base = base_version(project, dataset)
    assert base.card["prompt"] != dataset.prompt, "the base is asked with its instructions"
    assert base_version(project, dataset).id == base.id
    release_direct(project, base, actor="t", reason="first")
    go = replace(verdict, outcome=Outcome.GO, cause=Cause.BETTER, because="better")
    project.ledger.save_verdict(go, version.id, dataset.id)
    assert project.ledger.verdict(version.id) == go
    start_canary(project, version, actor="t")
    with pytest.raises(ReleaseError, match="canary version already"):
        start_canary(project, version, actor="t")

    assert settle_canary(project, actor="t").decision.action == "wait"
    promote_by_hand(project, actor="t", reason="enough seen")
    production = project.ledger.in_production()
    assert production is not None
    assert production.model_version == version.id
    withdrawn, restored = withdraw(project, actor="t", reason="test", production=True)
    assert (withdrawn.model_version, restored and restored.model_version) == (version.id, base.id)
    moves = [(row["name"].split(":")[1], row["from_state"], row["to_state"]) for row in history(project)]
    assert moves == [
        ("base-q8_0", None, "production"),
        ("v1", None, "canary"),
        ("base-q8_0", "production", "archived"),
        ("v1", "canary", "production"),
        ("v1", "production", "rolled_back"),
        ("base-q8_0", "archived", "production"),
    ]


def test_a_failed_run_is_recorded_and_can_be_taken_up(
    filled: Project, stages: Stages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """State and reason are in the database; --resume finds it."""
    run = plan_training(filled, filled.ledger.dataset())

    def broken(*_args: object, **_options: object) -> None:
        raise StoreError("the disk went away")

    with monkeypatch.context() as patch, pytest.raises(StoreError):
        patch.setattr("afina.flows.train.train_stage", broken)
        train_run(filled, run, stages, resume=False)

    failed = filled.ledger.run(run)
    assert (failed.state, failed.error) == (RunState.FAILED, "the disk went away")
    assert interrupted_run(filled) == run
    train_run(filled, run, stages, resume=True)
    with pytest.raises(StoreError, match="is done and cannot become running"):
        filled.ledger.move_run(run, RunState.RUNNING)


def short(project: Project, *fields: str) -> Settings:
    """The project's settings for other fields, without its database."""
    sections = project.settings.model_dump()
    return Settings.model_validate({**sections, "store": {}, "task": {**sections["task"], "fields": list(fields)}})


def test_learn_needs_no_database(project: Project, tmp_path: Path) -> None:
    """A labelled file and nothing else; a second run replaces the first; the report is on disk."""
    lesson = Lesson(data=write_sample(tmp_path / "d.csv", rows=140), folder=tmp_path / "w")
    settings = short(project, "topic", "sentiment+topic")

    for _ in range(2):
        report = learn(lesson, settings, Silent())

    entry = report["tasks"][0]
    assert set(entry["tuned"]["per_field"]) == {"topic", "sentiment+topic"}
    assert entry["baselines"]["tfidf_logreg"]["score"] > 0.9
    assert (tmp_path / "w" / "report.json").is_file()
    assert len(list((tmp_path / "w" / "models").iterdir())) == 1


def test_learn_with_a_test_file_uses_it(project: Project, tmp_path: Path) -> None:
    """All of it, and only it."""
    data, test = write_sample(tmp_path / "d.csv", rows=80), write_sample(tmp_path / "t.csv", rows=124)
    rows = test.read_text("utf-8").splitlines()
    test.write_text("\n".join([rows[0], *rows[93:]]), "utf-8")

    report = learn(Lesson(data=data, folder=tmp_path / "w", test=test), short(project, "topic"), Silent())

    assert report["tasks"][0]["tuned"]["n"] == 32


def test_an_acceptance_without_fields_is_worth_its_answer(project: Project, stages: Stages) -> None:
    """And a correction of one field leaves the others as they were answered."""
    with project.session() as session:
        for number, (kind, value) in enumerate((("accepted", "{}"), ("corrected", '{"topic": "envio"}'))):
            session.execute(
                "INSERT INTO app.interactions (id, client_id, external_id, task, source, text, answer) "
                "VALUES (%s, 'default', %s, 'classify', 's', %s, %s)",
                (
                    f"int_{number}",
                    str(number),
                    f"mensaje {number}",
                    '{"sentiment": "mal", "topic": "pago", "intent": "x"}',
                ),
            )
            session.execute(
                "INSERT INTO app.feedback (id, client_id, interaction_id, kind, value) VALUES (%s, 'default', %s, %s, %s)",
                (f"f{number}", f"int_{number}", kind, value),
            )

    curated = curate_project(project, stages)

    assert [read_labels(e.answer)["topic"] for e in curated.examples] == ["pago", "envio"]
    assert project.ledger.kept() == list(curated.examples)


def test_one_user_cannot_be_split(project: Project, stages: Stages, tmp_path: Path) -> None:
    """Said in words, not by a library."""
    path = write_sample(tmp_path / "c.csv")
    path.write_text(
        "".join(
            ",".join([*(c := line.split(","))[:2], "u" if i else c[2], *c[3:]])
            for i, line in enumerate(path.read_text("utf-8").replace(", todo", " todo").splitlines(keepends=True))
        ).replace('"', ""),
        "utf-8",
    )
    import_file(project, path, stages)
    curate_project(project, stages)

    with pytest.raises(NotEnoughDataError, match="one user"):
        freeze_project(project, stages)


def test_the_same_file_name_with_other_messages_is_refused(project: Project, stages: Stages, tmp_path: Path) -> None:
    """Not '0 new' while rows are lost."""
    import_file(project, write_sample(tmp_path / "c.csv"), stages)
    path = tmp_path / "c.csv"
    path.write_text(path.read_text("utf-8").replace(" sobre ", " de "), "utf-8")

    with pytest.raises(InputError, match="imported before"):
        import_file(project, path, stages)
