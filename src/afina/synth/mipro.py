"""Prompt search by DSPy's MIPROv2, in an environment of its own: our side of the pipe to `mipro_child.py`.

DSPy depends on LiteLLM and on much else: it is never imported here. Small models break its formats (its issue 1539); here its own
questions are bound by a schema, and what is malformed all the same is counted and answered with what was given.
"""

import json
import subprocess
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from afina.errors import RoleError
from afina.files import NOTICES
from afina.progress import Tell, unheard
from afina.synth.program import changed
from afina.synth.search import Found, Search

CHILD = Path(__file__).with_name("mipro_child.py")
GOOD = 0.8
"""Score from which a model's own answer may be shown as an example."""
BOOTSTRAPS = 5
"""Times that MIPROv2 goes through the pool for examples before its trials: 50 answers for ten (measured with DSPy 3.4.1, 8 candidates)."""
THREADS = 4
LONGEST_FIELD = 1500
Fill = Callable[[str, Mapping[str, Any], int], dict[str, str]]
"""(what to ask, schema of the fields, seed) → the fields; {} where the answer was none."""


@dataclass
class Talk:
    """What the child was answered so far."""

    search: Search
    fill: Fill
    tell: Tell
    calls: int = 0
    skipped: int = 0
    error: Exception | None = None
    scores: dict[tuple[str, str], float] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def reply(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to one of its lines."""
        kind = message["kind"]
        if kind == "answer":
            return {"text": self.answer(message)}
        if kind == "score":
            return {"score": self.scores.get((message["question"], message["answer"]), 0.0)}
        return {"fields": self.fields(message)}

    def answer(self, message: Mapping[str, Any]) -> str:
        """The role's answer to a question; its score is kept, because it is asked for next."""
        program = changed(
            self.search.start,
            instructions=message["instructions"],
            examples=[(question, text) for question, text in message["examples"]],
        )
        tried = self.search.attempt(program, [message["question"]])[0]
        with self.lock:
            self.calls += 1
            self.scores[tried.question, tried.reply] = tried.score
            self.tell(min(self.calls, self.search.calls), self.search.calls, f"{self.calls} answers")
        return tried.reply

    def fields(self, message: Mapping[str, Any]) -> dict[str, str]:
        """The fields of one of the optimiser's own questions."""
        wanted: Mapping[str, str] = message["fields"]
        text = {"type": "string", "minLength": 20, "maxLength": LONGEST_FIELD}
        schema = {
            "type": "object",
            "properties": dict.fromkeys(wanted, text),
            "required": list(wanted),
            "additionalProperties": False,
        }
        given = "\n\n".join(f"{name}:\n{value[:LONGEST_FIELD]}" for name, value in message["given"].items())
        asked = "\n".join(f"- {name}: {told}" for name, told in wanted.items())
        found = self.fill(f"{message['instructions']}\n\n{given}\n\nWrite:\n{asked}", schema, int(message["draw"]))
        if not all(found.get(name) for name in wanted):
            with self.lock:
                self.skipped += 1
        return {name: found.get(name) or self.search.start.instructions for name in wanted}


def search_by_mipro(search: Search, python: Path, fill: Fill, tell: Tell = unheard) -> Found:
    """The program that MIPROv2 found. Its trials are as many as the answers allow, at most as many as are asked for.

    Args:
        python: an interpreter that has `dspy[optuna]`.

    Raises:
        RoleError: the child failed; says how. Exception: whatever `attempt` and `fill` raise.
    """
    talk = Talk(search=search, fill=fill, tell=tell)
    start = sum(one.score for one in search.attempt(search.start, list(search.validation))) / len(search.validation)
    needed = BOOTSTRAPS * len(search.pool) + len(search.validation)
    left = search.calls - needed
    if left < len(search.validation):
        NOTICES.warning(
            "MIPROv2 takes some %d answers at least, %d are asked for (--calls): it tries once",
            needed + len(search.validation),
            search.calls,
        )
    job = {
        "instructions": search.start.instructions,
        "pool": [list(pair) for pair in search.pool],
        "validation": list(search.validation),
        "candidates": search.candidates,
        "trials": max(1, min(search.trials, left // len(search.validation))),
        "most_examples": search.most_examples,
        "threads": THREADS,
        "threshold": GOOD,
        "seed": search.seed,
    }
    found = converse(talk, python, job)
    program = changed(
        search.start,
        instructions=found["instructions"],
        examples=[(question, text) for question, text in found["examples"]],
    )
    score = sum(one.score for one in search.attempt(program, list(search.validation))) / len(search.validation)
    best = program if score >= start else search.start
    return Found(
        program=best,
        start=start,
        score=max(score, start),
        calls=talk.calls,
        candidates=search.candidates,
        skipped=talk.skipped,
    )


def converse(talk: Talk, python: Path, job: Mapping[str, Any]) -> dict[str, Any]:
    """Run the child and answer its lines, several at once.

    Raises:
        RoleError: it ended without a result.
    """
    with subprocess.Popen(
        [str(python), str(CHILD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        said: list[str] = []
        pool = ThreadPoolExecutor(THREADS + 1)
        pool.submit(said.extend, child.stderr)  # a full pipe would stop it
        lock = Lock()

        def send(value: Mapping[str, Any]) -> None:
            with lock:
                assert child.stdin is not None
                child.stdin.write(json.dumps(value) + "\n")
                child.stdin.flush()

        def serve(message: Mapping[str, Any]) -> None:
            try:
                send({**talk.reply(message), "id": message["id"]})
            except BrokenPipeError:
                return
            except Exception as exc:
                talk.error = exc
                child.kill()

        found: dict[str, Any] = {}
        try:
            send(job)
            for line in child.stdout:
                message = json.loads(line)
                if message["kind"] == "found":
                    found = message
                    break
                pool.submit(serve, message)
        except BrokenPipeError:
            pass
        finally:
            child.kill()
            pool.shutdown(wait=True, cancel_futures=True)
    if talk.error is not None:
        raise talk.error
    if not found:
        last = next((line.strip() for line in reversed(said) if line.strip()), "it said nothing")
        raise RoleError(f"MIPROv2 ended without a result: {last}", remedy="--optimizer gepa needs no other environment")
    return found
