"""One llama.cpp server for one GGUF, in a process of its own.

    python -P …/afina/runtime/worker.py '{"gguf": …, "adapters": […], "threads": …, "context": …, "slots": …, "exact": …, "ready": …}'

`exact` keeps keys and values in float32 (llama.cpp rounds them to float16 otherwise): that is how an unquantised file is
compared with the model it was made from. The worker writes its address to the file `ready` once the model is loaded, and
ends when its parent does (its standard input closes), so that a killed gateway leaves no worker behind.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import xllamacpp


def main(arguments: dict[str, Any]) -> None:
    """Load, announce, wait."""
    params = xllamacpp.CommonParams()
    params.model.path = str(arguments["gguf"])
    params.hostnames = ["127.0.0.1"]
    params.port = 0  # any free one: it is read back below
    params.n_parallel = int(arguments["slots"])
    params.n_ctx = int(arguments["context"]) * int(arguments["slots"])  # llama.cpp divides it by the slots
    params.cpuparams.n_threads = int(arguments["threads"])
    params.cpuparams_batch.n_threads = int(arguments["threads"])
    params.n_gpu_layers = 0
    params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(path, 1.0) for path in arguments["adapters"]]
    if arguments["exact"]:
        params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
        params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    params.cache_ram_mib = 0
    params.endpoint_metrics = True
    params.endpoint_slots = True
    params.ui = False
    params.warmup = False
    params.use_jinja = True
    server = xllamacpp.Server(params)
    ready = Path(str(arguments["ready"]))
    partial = ready.with_suffix(".partial")
    partial.write_text(json.dumps({"url": server.listening_address, "pid": os.getpid()}), "utf-8")
    partial.replace(ready)
    sys.stdin.read()
    # The server's own shutdown may wait for requests for ever: the gateway has drained it, so leave at once.
    os._exit(0)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
