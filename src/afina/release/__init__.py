"""EvalResults → Verdict → Rollout: pure decisions (`verdict`, `canary`, `rollout`), thin effects (`job`), each recorded."""
