"""Promote, roll back or wait: a canary's traffic against the champion's."""

from dataclasses import dataclass
from typing import Literal

from afina.release.traffic import ArmTraffic
from afina.settings import ReleaseSettings

HARM_ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class CanaryDecision:
    """What to do, and why."""

    action: Literal["promote", "roll_back", "wait"]
    reason: str


def decide_canary(champion: ArmTraffic, canary: ArmTraffic, settings: ReleaseSettings) -> CanaryDecision:
    """Guardrails first (errors, latency, quality), then enough traffic, then promotion.

    Meant to be asked once, when `min_requests` are reached: the test of quality is Fisher's exact one, which is not
    made for looking again and again.
    """
    if canary.requests and canary.errors / canary.requests > settings.max_error_rate and canary.errors > 1:
        return CanaryDecision("roll_back", f"{canary.errors} of {canary.requests} canary requests failed")
    if canary.requests < settings.min_requests:
        return CanaryDecision("wait", f"{canary.requests} of {settings.min_requests} canary requests so far")
    if champion.p95_ms > 0 and canary.p95_ms > settings.max_latency_ratio * champion.p95_ms:
        return CanaryDecision("roll_back", f"canary p95 {canary.p95_ms:.0f} ms against {champion.p95_ms:.0f} ms")
    if canary.judged and champion.judged:
        table = [
            [canary.accepted, canary.judged - canary.accepted],
            [champion.accepted, champion.judged - champion.accepted],
        ]
        from scipy.stats import fisher_exact  # 0.6 s: only where a canary is decided

        worse = float(fisher_exact(table, alternative="less").pvalue)
        if worse < HARM_ALPHA:
            return CanaryDecision(
                "roll_back",
                f"accepted {canary.accepted} of {canary.judged} against {champion.accepted} of {champion.judged} (p = {worse:.2g})",
            )
    return CanaryDecision("promote", f"{canary.requests} requests, {canary.errors} errors, no guardrail broken")
