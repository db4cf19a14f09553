"""Two versions, users before them, a clock that stands: for tests of canaries."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from afina.capture import add_feedback, record_interactions
from afina.flows.project import Project
from afina.flows.rollouts import release_direct, start_canary
from afina.ids import FeedbackId, InteractionId, ModelVersionId, new_id
from afina.records import Fault, Feedback, FeedbackKind, Interaction, ModelVersion, Rollout

START = datetime(2026, 3, 1, 9, tzinfo=UTC)


class FakeClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        """What time it is."""
        return self.now


def placed(project: Project, name: str, **more: Any) -> ModelVersion:
    """A registered version whose file is there."""
    gguf = project.paths.data / f"{name.replace(':', '-')}.gguf"
    gguf.parent.mkdir(parents=True, exist_ok=True)
    gguf.write_bytes(b"GGUF")
    own = {"id": ModelVersionId(f"mod_{name}"), "base": "semilla", "quantisation": "q8_0", **more}
    made = ModelVersion(name=name, task=project.task.name, gguf=gguf.name, **own)
    project.ledger.add_version(made)
    return made


def two_versions(project: Project, clock: FakeClock) -> Rollout:
    """v1 in production, v2 as a canary for a fifth of the users."""
    release_direct(project, placed(project, "v1"), actor="t", reason="first")
    return start_canary(project, placed(project, "v2"), actor="t", force=True, clock=clock)


Harm = Callable[[bool], float]


def traffic(
    project: Project, canary: Rollout, users: range, *, bad: Harm = lambda _: 0.0, wrong: Harm = lambda _: 0.2
) -> None:
    """Every user asks once and is heard; `bad`: how often a side fails, `wrong`: how often it is corrected."""
    rng = np.random.default_rng(users.start)
    said, heard = [], []
    for user in users:
        side = bool(rng.random() < canary.share)
        ok = rng.random() >= bad(side)
        identity = InteractionId(f"int_{user}")
        said.append(
            Interaction(
                id=identity,
                client=project.client,
                user=f"u{user}",
                text="hola",
                answer="{}",
                task=project.task.name,
                source="gateway",
                external_id=identity,
                model_version=ModelVersionId("mod_v2" if side else "mod_v1"),
                latency_ms=float(rng.lognormal(5, 0.3)),
                ok=ok,
                fault=Fault.NONE if ok else Fault.MODEL,
                variant="canary" if side else "production",
                rollout=canary.id,
                drawn="canary" if side else "production",
                canary_share=canary.share,
                request_id=new_id("req"),
            )
        )
        kind = FeedbackKind.CORRECTED if rng.random() < wrong(side) else FeedbackKind.ACCEPTED
        heard.append(
            Feedback(
                id=FeedbackId(f"fbk_{user}"),
                client=project.client,
                interaction=identity,
                kind=kind,
                value={"topic": "x"},
                reviewer="r",
            )
        )
    with project.session() as session:
        record_interactions(session, said)
        for one in heard:
            add_feedback(session, one)
        session.execute("UPDATE app.interactions SET created_at = %s", (START + timedelta(minutes=5),))
