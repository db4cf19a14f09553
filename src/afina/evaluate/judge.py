"""Asks a served GGUF every held-out question, as a user would: over HTTP, under its template, bound by the schema."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from afina.chat import answer_schema, classify_turns, defuse_turns, parse_answer
from afina.evaluate.score import score_answers
from afina.records import Answered, Dataset, EvalResult, Example
from afina.runtime import Completion, RuntimeClient, gguf_facts, start_worker
from afina.settings import RuntimeSettings


def judge_gguf(
    arm: str,
    gguf: Path,
    dataset: Dataset,
    settings: RuntimeSettings,
    *,
    log: Path,
    on_item: Callable[[int, int], None] = lambda _done, _total: None,
) -> EvalResult:
    """Score a GGUF on the test part.

    Raises:
        ModelError, RuntimeFailedError: the file does not load or the worker dies.
    """
    schema = answer_schema(dataset.labels, fields=dataset.fields)
    control = gguf_facts(gguf).control
    began = time.monotonic()
    with (
        start_worker(gguf, settings, log=log) as worker,
        RuntimeClient(worker.url, connections=settings.slots) as client,
    ):

        def ask(example: Example) -> tuple[Answered, Completion]:
            turns = defuse_turns(classify_turns(example.text, fields=dataset.fields), control)
            completion = client.chat(turns, schema=schema)
            answer = parse_answer(completion.text, fields=dataset.fields)
            return Answered(
                id=example.id, target=example.target, answer=answer, correct=answer == example.target
            ), completion

        pairs = []
        asked_at = time.monotonic()
        with ThreadPoolExecutor(settings.slots) as pool:
            for done, pair in enumerate(pool.map(ask, dataset.test), start=1):
                pairs.append(pair)
                on_item(done, len(dataset.test))
        asked_s = time.monotonic() - asked_at
        rss = worker.peak_rss_mb()
    tokens = sum(c.tokens_out + c.tokens_in for _, c in pairs)
    return score_answers(
        arm,
        [answered for answered, _ in pairs],
        fields=dataset.fields,
        tokens_per_s=tokens / asked_s,
        peak_rss_mb=rss,
        p95_ms=float(np.percentile([c.milliseconds for _, c in pairs], 95)),
        seconds=time.monotonic() - began,
    )
