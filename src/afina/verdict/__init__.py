"""Scores of two arms → go, no-go or cannot tell, with the statistics that justify it. Loads no torch, asks no model."""
