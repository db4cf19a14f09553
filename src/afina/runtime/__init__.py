"""GGUF → answers. `Worker` is one llama.cpp server process, reached over HTTP; a weigher says how likely texts are."""

from afina.runtime.client import Completion, RuntimeClient
from afina.runtime.gguf_file import check_gguf, gguf_facts
from afina.runtime.process import Worker, open_worker, start_worker
from afina.runtime.weigher import TextNotWeighedError, Weigh, start_weigher

__all__ = [
    "Completion",
    "RuntimeClient",
    "TextNotWeighedError",
    "Weigh",
    "Worker",
    "check_gguf",
    "gguf_facts",
    "open_worker",
    "start_weigher",
    "start_worker",
]
