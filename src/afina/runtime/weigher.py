"""How likely a GGUF finds given texts: a process of its own beside the server, because the server has no request for it.

    python -m afina.runtime.weigher '{"gguf": …, "adapter": …, "threads": …, "context": …}'

A line on standard input, `{"ids": […], "first": 7}`, is answered by one on standard output, `{"value": …}` or `{"error": …}`. It is
the runtime's own library on the served file: the same weights, kernels and tokens, and a whole text in one pass. Asking the server
took a request a token. A process, because llama.cpp ends the one that it runs in when something is wrong with a file.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from afina.errors import RuntimeFailedError
from afina.priority import inherit
from afina.runtime.llama import loaded, speak
from afina.runtime.process import last_error, threads_to_use
from afina.runtime.served import served_of
from afina.settings import RuntimeSettings

Weigh = Callable[[Sequence[int], int], float]
"""(token ids of a text, where the answer in it begins) → sum of the answer's log-probabilities, nats."""


@contextmanager
def start_weigher(gguf: Path, settings: RuntimeSettings, *, log: Path) -> Iterator[Weigh]:
    """A weigher for as long as the block runs. Let no server compute beside it: llama.cpp's waiting threads spin.

    Raises:
        RuntimeFailedError: it did not start, or ended while it was asked.
    """
    served = served_of(gguf)
    arguments = {
        "gguf": str(served.base),
        "adapter": str(served.adapter or ""),
        "threads": threads_to_use(settings),
        "context": settings.context,
    }
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("wb") as sink,
        subprocess.Popen(
            [sys.executable, "-m", "afina.runtime.weigher", json.dumps(arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=sink,
            text=True,
            start_new_session=True,
        ) as process,
    ):
        inherit(process)

        def weigh(ids: Sequence[int], first: int) -> float:
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                process.stdin.write(json.dumps({"ids": list(ids), "first": first}) + "\n")
                process.stdin.flush()
                line = process.stdout.readline()
            except BrokenPipeError:
                line = ""
            if not line:
                raise RuntimeFailedError(f"{gguf.name}: {last_error(log)} (log: {log})")
            found = json.loads(line)
            if "error" in found:
                raise TextNotWeighedError(found["error"])
            return float(found["value"])

        try:
            yield weigh
        finally:
            process.kill()


class TextNotWeighedError(RuntimeFailedError):
    """One text could not be weighed; the weigher goes on."""


def main(arguments: dict[str, Any]) -> None:
    """Load, then answer line by line until standard input ends."""
    speak()
    adapter = Path(arguments["adapter"]) if arguments["adapter"] else None
    context, threads = int(arguments["context"]), int(arguments["threads"])
    with loaded(Path(arguments["gguf"]), context=context, threads=threads, adapter=adapter) as model:
        for line in sys.stdin:
            asked = json.loads(line)
            try:
                answer: dict[str, float | str] = {"value": model.log_likelihood(asked["ids"], asked["first"])}
            except RuntimeFailedError as exc:
                answer = {"error": str(exc)}
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
