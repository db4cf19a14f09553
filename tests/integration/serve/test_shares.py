"""Who answered, what it cost, what was avoided."""

import pytest

from afina.capture import record_interactions
from afina.flows.project import Project
from afina.ids import InteractionId, ModelVersionId
from afina.records import Interaction
from afina.serve.shares import read_shares
from afina.settings import UpstreamSettings

PRICED = UpstreamSettings(url="http://x/v1", price_in=2.0, price_out=10.0)


def said(project: Project, name: str, variant: str, *, cost: float | None = None, ok: bool = True) -> Interaction:
    """An answer of 1,000 tokens in and 100 out."""
    return Interaction(
        id=InteractionId(name),
        client=project.client,
        user="",
        text="t",
        answer="a",
        task="classify",
        source="gateway",
        external_id=name,
        variant=variant,
        model_version=ModelVersionId("m") if variant != "upstream" else None,
        tokens_in=1000,
        tokens_out=100,
        cost=cost,
        ok=ok,
    )


def test_what_this_machine_answered_is_not_paid(project: Project) -> None:
    """Three of four here; a failure is no answer; what was avoided is counted at the upstream's prices."""
    with project.session() as session:
        assert read_shares(session, task="classify", upstreams=[]).share_here is None
        record_interactions(
            session,
            [
                said(project, "1", "production"),
                said(project, "2", "canary"),
                said(project, "3", "production"),
                said(project, "4", "upstream", cost=0.003),
                said(project, "5", "canary", ok=False),
            ],
        )
        found = read_shares(session, task="classify", upstreams=[PRICED])
        free = read_shares(session, task="other", upstreams=[])

    assert (found.here, found.elsewhere, found.share_here) == (3, 1, 0.75)
    assert found.cost == pytest.approx(0.003)
    assert found.avoided == pytest.approx(3 * (1000 * 2 + 100 * 10) / 1e6)
    assert (free.cost, free.avoided) == (None, None)
