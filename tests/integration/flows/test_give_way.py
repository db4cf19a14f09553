"""Training gives way to serving."""

from afina.capture.table import record_interactions
from afina.flows.give_way import LOOK_EVERY_S, serving_suffers
from afina.flows.project import Project
from afina.ids import InteractionId
from afina.records import Interaction


def test_it_waits_while_answers_are_slow(project: Project) -> None:
    """Nobody asks: no wait. Slow answers: wait. The database is not asked before five seconds have passed."""
    now: list[float] = [0.0]
    must_wait = serving_suffers(project, clock=lambda: now[0])
    assert not must_wait()

    with project.session() as session:
        for number in range(20):
            record_interactions(
                session,
                [
                    Interaction(
                        id=InteractionId(f"int_{number}"),
                        client=project.client,
                        user="u",
                        text="t",
                        answer="a",
                        task="classify",
                        source="gateway",
                        external_id=str(number),
                        latency_ms=9000.0,
                        variant="production",
                    )
                ],
            )
    assert not must_wait()
    now[0] = LOOK_EVERY_S
    assert must_wait() == "waiting: answers take 9000 ms (p95), more than 3000"
