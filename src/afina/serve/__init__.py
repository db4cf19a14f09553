"""Rollout → answers: the gateway in front of the workers. Writes no training data: it hands interactions out."""

from afina.serve.app import GatewayOptions, build_gateway
from afina.serve.fleet import Fleet
from afina.serve.live import read_live
from afina.serve.route import LiveVersion, bucket, choose

__all__ = ["Fleet", "GatewayOptions", "LiveVersion", "bucket", "build_gateway", "choose", "read_live"]
