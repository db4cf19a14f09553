"""Held-out replies: what a served GGUF writes, how near it is to what was really answered, and how likely that was to it.

chrF (Popović 2015, by sacrebleu) compares characters, so Spanish endings and typing count for what they are; the
log-likelihood of the real answer sees what one greedy reply cannot show. Both are taken from the served file.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from sacrebleu.metrics.chrf import CHRF
from sklearn.feature_extraction.text import TfidfVectorizer

from afina.chat import defuse_turns
from afina.chat.render import Renderer
from afina.records import ChatDataset, ChatExample, ChatResult, Replied, Score
from afina.runtime import Completion, RuntimeClient, gguf_facts, start_worker
from afina.settings import RuntimeSettings

RESAMPLES = 2000
METRIC = CHRF()


def chrf(reply: str, expected: str) -> float:
    """Character n-gram F-score of one reply, from 0 to 1."""
    return float(METRIC.sentence_score(reply, [expected]).score) / 100


def mean_score(values: Sequence[float], groups: Sequence[str]) -> Score:
    """A mean with its 95 % percentile bootstrap interval; whole conversations are drawn, not single replies."""
    names = sorted(set(groups))
    sums = np.array([sum(v for v, g in zip(values, groups, strict=True) if g == name) for name in names])
    sizes = np.array([sum(g == name for g in groups) for name in names], dtype=float)
    drawn = np.random.default_rng(0).integers(0, len(names), size=(RESAMPLES, len(names)))
    means = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Score(score=float(np.mean(values)), low=float(low), high=float(high), n=len(values))


def judge_replies(
    arm: str,
    gguf: Path,
    dataset: ChatDataset,
    settings: RuntimeSettings,
    renderer: Renderer,
    *,
    log: Path,
    max_tokens: int,
    on_item: Callable[[int, int], None] = lambda _done, _total: None,
) -> ChatResult:
    """Let a GGUF answer every held-out message.

    Raises:
        ModelError, RuntimeFailedError: the file does not load or the worker dies.
    """
    began = time.monotonic()
    control = gguf_facts(gguf).control
    with (
        start_worker(gguf, settings, log=log) as worker,
        RuntimeClient(worker.url, connections=settings.slots) as client,
    ):

        def ask(example: ChatExample) -> tuple[Replied, Completion]:
            written = client.chat(defuse_turns(example.context, control), schema=None, max_tokens=max_tokens)
            rendered = renderer.training(example.turns(), only_last=True)
            last = len(rendered.ids) - answer_length(rendered.supervised)
            likelihood = client.log_likelihood(rendered.ids[:last], rendered.ids[last:])
            return Replied(
                id=example.id, group=example.group, expected=example.answer, reply=written.text, chrf=chrf(written.text, example.answer),
                log_likelihood=likelihood / (len(rendered.ids) - last),
            ), written  # fmt: skip

        pairs = []
        with ThreadPoolExecutor(settings.slots) as pool:
            for done, pair in enumerate(pool.map(ask, dataset.test), start=1):
                pairs.append(pair)
                on_item(done, len(dataset.test))
        rss = worker.peak_rss_mb()
    replies = tuple(reply for reply, _ in pairs)
    busy = sum(completion.milliseconds for _, completion in pairs) / 1000
    return ChatResult(
        arm=arm,
        chrf=mean_score([r.chrf for r in replies], [r.group for r in replies]),
        log_likelihood=mean_score([r.log_likelihood or 0.0 for r in replies], [r.group for r in replies]),
        replies=replies,
        tokens_per_s=sum(c.tokens_in + c.tokens_out for _, c in pairs) / max(busy, 1e-9),
        peak_rss_mb=rss,
        p95_ms=float(np.percentile([c.milliseconds for _, c in pairs], 95)),
        seconds=time.monotonic() - began,
    )


def answer_length(supervised: Sequence[bool]) -> int:
    """Tokens of the last answer: the supervised ones at the end."""
    return next((at for at, counted in enumerate(reversed(supervised)) if not counted), len(supervised))


def nearest_reply(dataset: ChatDataset) -> ChatResult:
    """The yardstick: the answer that was given to the most similar training message (TF-IDF of words and pieces)."""
    began = time.monotonic()
    seen = [*dataset.train, *dataset.validation]
    pieces = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
    known = pieces.fit_transform([asked(example) for example in seen])
    similar = (pieces.transform([asked(example) for example in dataset.test]) @ known.T).toarray()
    replies = tuple(
        Replied(id=e.id, group=e.group, expected=e.answer, reply=answer, chrf=chrf(answer, e.answer))
        for e, answer in zip(dataset.test, (seen[int(at)].answer for at in similar.argmax(axis=1)), strict=True)
    )
    return ChatResult(
        arm="nearest", chrf=mean_score([r.chrf for r in replies], [r.group for r in replies]), log_likelihood=None, replies=replies,
        seconds=time.monotonic() - began,
    )  # fmt: skip


def asked(example: ChatExample) -> str:
    """The message that was answered."""
    return example.context[-1].content
