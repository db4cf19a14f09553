"""Asks: evaluation sets, arms, records, metrics. Judges nothing, promotes nothing."""
