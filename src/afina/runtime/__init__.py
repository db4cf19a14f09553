"""GGUF → answers. `Worker` is one llama.cpp server process, reached over HTTP; a weigher says how likely texts are."""

from afina.runtime.client import TEMPERATURE, TOP_K, TOP_P, Completion, Drawn, RuntimeClient
from afina.runtime.gguf_file import check_gguf, gguf_facts
from afina.runtime.process import Load, Worker, open_load, open_worker, start_worker
from afina.runtime.served import Served, base_of, served_of
from afina.runtime.weigher import TextNotWeighedError, Weigh, start_weigher

__all__ = [
    "TEMPERATURE",
    "TOP_K",
    "TOP_P",
    "Completion",
    "Drawn",
    "Load",
    "RuntimeClient",
    "Served",
    "TextNotWeighedError",
    "Weigh",
    "Worker",
    "base_of",
    "check_gguf",
    "gguf_facts",
    "open_load",
    "open_worker",
    "served_of",
    "start_weigher",
    "start_worker",
]
