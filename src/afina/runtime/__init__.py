"""GGUF → answers. `Worker` is one llama.cpp server process; everything reaches it over HTTP."""

from afina.runtime.client import Completion, RuntimeClient
from afina.runtime.gguf_file import check_gguf, gguf_facts
from afina.runtime.process import Worker, open_worker, start_worker

__all__ = ["Completion", "RuntimeClient", "Worker", "check_gguf", "gguf_facts", "open_worker", "start_worker"]
