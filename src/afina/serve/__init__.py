"""Rollout → answers: the gateway in front of the workers. Writes no training data: it hands interactions out."""

from afina.serve.live import read_live
from afina.serve.route import LiveVersion, bucket, choose

__all__ = ["LiveVersion", "bucket", "choose", "read_live"]
