"""A bench that loses a peer keeps what the others measured."""

from typing import Any

import pytest
from bench import train_prefix
from bench.peers import PeerFailedError


def test_a_killed_peer_costs_its_own_figures_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plain loop and ours stay; the failure is in the result."""

    def peer(_rows: Any, *, peer: str, steps: int, config: dict[str, Any], **more: Any) -> list[float]:
        if peer == "trl" and more.get("batch") != 1:
            raise PeerFailedError("padded: ended by signal 9")
        if peer == "trl" and steps > 2:
            raise PeerFailedError("trl: ended by signal 9")
        return [2.0, 2.0]

    monkeypatch.setattr(train_prefix, "run_peer", peer)
    monkeypatch.setattr(train_prefix, "run_ours", lambda *_, **__: [1.0, 1.0])

    found = train_prefix.against_peers([], steps=2, full=False, config={})

    assert found["ratio"] is None
    assert found["vs_peft"] == 2.0
    assert "signal 9" in found["failed"]["trl"]
    assert found["trl_ways"] == {"one at a time": 2.0, "padded in fours": "failed: padded: ended by signal 9"}
    assert found["ours"]["median"] == 1.0
