"""A small world for the loop: writers, a reviewer, a clock that is moved, users who meet canaries. For `bench.loop` and `bench.noise`.

Messages and intents are clinc150's (150 of 150 intents are there; a bench takes some). Whatever is asked of a model is asked of its served file.
"""

import csv
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from afina.capture import add_feedback, record_interactions
from afina.evaluate.arms import Asking, gguf_arm
from afina.evaluate.ask import ask_arms
from afina.evaluate.sets import make_set
from afina.flows.collect import import_file
from afina.flows.project import Project
from afina.ids import FeedbackId, InteractionId
from afina.loop.diary import Happened
from afina.loop.turn import ACTS, until_idle
from afina.progress import Silent, Stages
from afina.records import (
    EvalItem,
    Feedback,
    FeedbackKind,
    Interaction,
    ModelVersion,
    Output,
    Rollout,
    RolloutState,
    Turn,
)
from afina.release.job import rollout_in
from afina.serve import bucket
from afina.store.server import stop_embedded
from afina.wiring import open_project

DATA = Path(__file__).parents[2] / "shared" / "data" / "clinc150_en" / "data_full_train_val.json"
START = datetime(2026, 1, 5, 9, tzinfo=UTC)
SETTINGS = """\
recipe = "corrections"

[task]
name = "intents"
fields = ["intent"]
prompt = "Name the intent of the message."

[base]
model = {base}

[train.training]
minutes = {minutes}
num_epochs = {epochs}

[curate]
user_share = 0.1

[freeze]
test_share = 0.25

[evaluate]
must_beat_baselines = false
margin_nats = 2.0
nearest = 0
max_corrections = 200

[loop]
min_new_rows = {rows}
min_uncovered = 60
max_drift = 0.5
train_every_days = 7

# Some hundred simulated users: margins as wide as so few can show.
[release]
ramp = [0.5]

[release.guardrails]
errors = 0.05
latency = 3.0
feedback = 0.08
"""


@dataclass(slots=True)
class Clock:
    """Time that is moved by hand."""

    now: datetime = START

    def __call__(self) -> datetime:
        """What time it is."""
        return self.now

    def move(self, **span: float) -> None:
        """So much later."""
        self.now += timedelta(**span)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A message, what it really asks, and what the reviewer says that it asks. `predicted`: what the model had answered."""

    user: str
    text: str
    truth: str
    decided: str
    predicted: str = ""


@dataclass(slots=True)
class World:
    """One project, its people and its time."""

    project: Project
    clock: Clock = field(default_factory=Clock)
    happened: list[Happened] = field(default_factory=list)
    imports: int = 0
    users: int = 0

    def review(self, rows: Sequence[Said]) -> None:
        """Reviewed messages come in, each at its own minute."""
        self.imports += 1
        path = self.project.paths.project / f"reviewed-{self.imports}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "user", "created_at", "text", "intent", "predicted_intent"])
            for number, row in enumerate(rows):
                at = self.clock.now + timedelta(minutes=number)
                writer.writerow(
                    [f"{self.imports}-{number}", row.user, at.isoformat(), row.text, row.decided, row.predicted]
                )
        import_file(self.project, path, Stages(Silent()))

    def turn(self) -> list[Happened]:
        """Whatever is due."""
        done = (
            until_idle(self.project, Stages(Silent()), acts={**ACTS, "report": lambda *_: {}}, clock=self.clock) or []
        )
        self.happened += done
        return done

    def canary(self) -> Rollout | None:
        """The one that runs."""
        with self.project.session() as session:
            return rollout_in(session, task=self.project.task.name, state=RolloutState.CANARY)

    def live(self) -> ModelVersion | None:
        """The version in production."""
        rollout = self.project.ledger.in_production()
        return self.project.ledger.version(rollout.model_version) if rollout else None

    def meet(self, canary: Rollout, messages: Sequence[tuple[str, str]]) -> None:
        """Other users, one a message, meet canary and production, and say whether the answer was right."""
        live = self.live()
        assert live is not None
        names = [f"user {self.users + number}" for number in range(len(messages))]
        self.users += len(messages)
        drawn = [bucket(name, salt=canary.id) < canary.share for name in names]
        sides = {True: self.project.ledger.version(canary.model_version), False: live}
        answers: dict[int, Output] = {}
        for side, version in sides.items():
            places = [at for at, met in enumerate(drawn) if met is side]
            outputs = self.ask(version, [messages[at] for at in places])
            answers |= {at: one for at, (one, _) in zip(places, outputs, strict=True)}
        said, heard = [], []
        for at, (text, truth) in enumerate(messages):
            met, output = drawn[at], answers[at]
            identity = InteractionId(f"int_{canary.id}_{names[at].replace(' ', '')}")
            drew = "canary" if met else "production"
            said.append(
                Interaction(
                    id=identity,
                    client=self.project.client,
                    user=names[at],
                    text=text,
                    answer=output.text,
                    task="intents",
                    source="gateway",
                    external_id=identity,
                    model_version=sides[met].id,
                    latency_ms=output.milliseconds,
                    ok=not output.error,
                    variant=drew,
                    served_by=sides[met].name,
                    rollout=canary.id,
                    drawn=drew,
                    canary_share=canary.share,
                    request_id=identity,
                )
            )
            kind = FeedbackKind.ACCEPTED if label_of(output.text) == truth else FeedbackKind.CORRECTED
            heard.append(
                Feedback(
                    id=FeedbackId(f"fbk_{identity}"),
                    client=self.project.client,
                    interaction=identity,
                    kind=kind,
                    value={"intent": truth},
                    reviewer="user",
                )
            )
        with self.project.session() as session:
            record_interactions(session, said)
            for one in heard:
                add_feedback(session, one)
            for at, interaction in enumerate(said):
                moment = self.clock.now + timedelta(seconds=at)
                session.execute("UPDATE app.interactions SET created_at = %s WHERE id = %s", (moment, interaction.id))

    def ask(self, version: ModelVersion, messages: Sequence[tuple[str, str]]) -> list[tuple[Output, float]]:
        """What a served file answers, and whether that is right."""
        project = self.project
        items = [
            EvalItem(id=str(at), turns=(Turn("user", text),), expected=json.dumps({"intent": truth}))
            for at, (text, truth) in enumerate(messages)
        ]
        asking = Asking(max_tokens=48, system=version.card.get("prompt", ""), parts=None)
        with TemporaryDirectory() as folder:
            log = Path(folder) / "worker.log"
            arm = gguf_arm("asked", project.paths.data / version.gguf, project.settings.runtime, asking, log=log)
            asked = make_set("asked", items, answer_schema=version.card.get("answer_schema"))
            [scored] = ask_arms([arm], asked, ("exact",), Path(folder))
        outputs = {one.item: one for one in scored.record.outputs}
        return [(outputs[item.id], scored.scores["exact"][item.id]) for item in items]

    def accuracy(self, version: ModelVersion, messages: Sequence[tuple[str, str]]) -> float:
        """Share of right answers."""
        return sum(right for _, right in self.ask(version, messages)) / len(messages)


def label_of(answer: str) -> str:
    """The intent that an answer names."""
    try:
        found = json.loads(answer)
    except ValueError:
        return ""
    return str(found.get("intent", "")) if isinstance(found, dict) else ""


@contextmanager
def world(
    *, base: str = "semilla", minutes: float = 1.0, rows: int = 200, epochs: int = 40, naive: bool = False
) -> Iterator[World]:
    """A project of its own, gone afterwards. `naive`: every row is learnt as it was decided."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        text = SETTINGS.format(base=json.dumps(base), minutes=minutes, rows=rows, epochs=epochs)
        rules = 'steps = ["collect"]' if naive else "user_share = 0.1"
        (folder / "afina.toml").write_text(text.replace("user_share = 0.1", rules), "utf-8")
        project = open_project(folder)
        try:
            yield World(project)
        finally:
            stop_embedded(project.paths.database)


def messages_of(intents: int, *, seed: int = 0) -> Mapping[str, list[str]]:
    """So many intents of clinc150 with all their messages, in an order of their own."""
    rng = random.Random(seed)
    found: dict[str, list[str]] = {}
    for part in ("train", "val"):
        for text, intent in json.loads(DATA.read_text("utf-8"))[part]:
            found.setdefault(intent, []).append(text)
    chosen = rng.sample(sorted(found), intents)
    return {intent: rng.sample(found[intent], len(found[intent])) for intent in chosen}
