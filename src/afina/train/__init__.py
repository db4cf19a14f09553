"""Dataset + base → LoRA adapter, by one visible loop on the CPU."""

from afina.train.encode import Encoded, encode_chats
from afina.train.loop import Progress, TrainResult, train
from afina.train.model import load_base, resolve_base

__all__ = ["Encoded", "Progress", "TrainResult", "encode_chats", "load_base", "resolve_base", "train"]
