"""Does the GGUF answer like the model that was trained: the base with its adapter on it, not merged?

Merging is one of the steps that can go wrong, so the merged weights are no reference. Four comparisons: the tokens the
server reads for a chat (its copy of the template and its tokenizer), the token ids of prompts and of hard strings, the
log-probabilities of the next token, and whether the file stops where training ends an answer. A GGUF with a wrong
splitting rule loads without any complaint and answers a little worse for ever: only the second comparison shows it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from afina.bases.load import load_base
from afina.errors import ExportError
from afina.export.merge import Trained, with_adapter
from afina.records import Turn
from afina.runtime import RuntimeClient, start_worker
from afina.runtime.gguf_model import decoded_model
from afina.runtime.renderer import renderer_of
from afina.settings import RuntimeSettings

HARD_STRINGS = (
    "Llegó el 3 de mayo a las 12:45, costó $1.234.567,89 y pesa 0,5 kg.",
    "¿¡Qué tal, ñandú!? ÁÉÍÓÚ üÜ — «sí» … “no”",
    "it's we'll they've I'm he'd don't CAN'T",
    "tabs\tand   runs  of blanks \n\n  and line breaks\r\n end ",
    "def f(x):\n    return {'a': [1, 2, x ** 2]}  # código",
    "日本語のテキスト 한국어 Русский العربية",
    "🙂👍🏽 👨‍👩‍👧‍👦 é ﬁ ½",
    '{"sentiment": "negativo", "topic": "envio"}',
    "a" * 40 + " " + "123456789012345678901234567890",
    "https://example.org/a?b=c&d=%20#frag user@example.org",
)
"""All in composed form (NFC): tokenizers such as Qwen2's compose accents first and llama.cpp does not, so `chat`
composes every message before anybody tokenises it."""
PROBE_CHATS: tuple[tuple[Turn, ...], ...] = (
    (Turn("user", "Hola"),),
    (Turn("system", "Responde en una línea."), Turn("user", "¿Cuánto cuesta el envío a Valdivia?")),
    (Turn("user", "What is 12 + 30?"), Turn("assistant", "42"), Turn("user", "And 7 more?")),
)
LIKELY = -9.0
"""Only tokens with more than e^-9 (0.01 %) are compared: below that, rounding is all there is to see."""

LIMITS = {"f32": 0.005, "f16": 0.05}
"""Largest accepted difference of a log-probability, in nats. Quantised files are judged by their divergence alone: one token's
difference of 1.4 nats refused a healthy q8_0 of SmolLM2-135M whose divergence was a seventh of the limit."""
DIVERGENCE_LIMITS = {"f32": 1e-4, "f16": 1e-3, "q8_0": 0.02, "q5_k_m": 0.15, "q4_k_m": 0.3, "q4_0": 0.3}
"""Mean KL(model ‖ file) of the next token, in nats. SmolLM2-135M-Instruct: q8_0 0.003 to 0.009, q4_k_m 0.065; an adapter merged into its
Q4_1 and rounded again 0.52, with answers that are others."""
SAME_WEIGHTS = 0.05
"""The same where file and model have the same weights to the bit, so that only activations are rounded (SmolLM2 in Q4_1 with an adapter
on it: 0.004)."""
SPEED_TOKENS = 64
GELU_LIMIT = 0.1
"""llama.cpp computes GELU from a float16 table, so these families differ more, with the same likeliest token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """What was compared and how far it differed."""

    prompts: int
    templates_equal: int
    token_ids_equal: int
    token_checks: int
    max_difference: float
    mean_divergence: float
    compared: int
    argmax_equal: int
    limit: float | None
    """Of the largest difference; None of quantised files, which are judged by their divergence."""
    divergence_limit: float
    stops: bool
    """Whether the file ends an answer at the token with which training ended answers."""
    adds_bos: bool
    """Whether the runtime puts the begin-of-text token in front of every prompt by itself."""
    tokens_per_s: float
    """Greedy generation, one request, 0 when not measured."""
    passed: bool


def hf_log_probabilities(model: Any, ids: Sequence[int]) -> torch.Tensor:
    """Log-probabilities of the next token, shape (vocabulary,)."""
    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([list(ids)]), use_cache=False).logits[0, -1].float()
    return torch.log_softmax(logits, dim=-1)


def cut_points(ids: Sequence[int]) -> list[int]:
    """Prefix lengths at which next-token distributions are compared: the whole prompt and two places inside."""
    return sorted({len(ids), max(1, len(ids) * 2 // 3), max(1, len(ids) // 3)})


def compare_distributions(
    model: Any, client: RuntimeClient, prompts: Sequence[Sequence[int]]
) -> tuple[float, float, int, int]:
    """Largest difference, mean divergence, equal argmaxes, comparisons.

    The divergence is KL(model ‖ file) over the file's likeliest tokens and one outcome for all others: a lower bound of
    the whole one (data processing inequality), never negative.
    """
    worst = divergence = 0.0
    equal = count = 0
    for ids in prompts:
        for length in cut_points(ids):
            served = client.next_log_probabilities(ids[:length])
            reference = hf_log_probabilities(model, ids[:length])
            count += 1
            equal += int(reference.argmax()) == max(served, key=lambda token: served[token])
            pairs = [(float(reference[token]), value) for token, value in served.items()]
            worst = max([worst, *(abs(p - q) for p, q in pairs if max(p, q) > LIKELY)])
            rest = [
                math.log(max(1e-12, 1 - sum(math.exp(side) for side in sides))) for sides in zip(*pairs, strict=True)
            ]
            divergence += sum(math.exp(p) * (p - q) for p, q in [*pairs, (rest[0], rest[1])])
    return worst, divergence / max(1, count), equal, count


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """How a file is checked: whose limits hold, where its worker logs, whether its speed is measured too. `same_weights`: the file's are
    the model's to the bit.
    """

    quantisation: str
    log: Path
    measure_speed: bool = False
    same_weights: bool = False


def check_parity(trained: Trained, gguf: Path, settings: RuntimeSettings, check: Check) -> Parity:
    """Compare a model folder, with an adapter on it or without, with a GGUF made from it.

    Raises:
        ModelError, RuntimeFailedError: one of the two does not load.
    """
    renderer, quantisation = renderer_of(trained.base), check.quantisation
    model = decoded_model(trained.base) if trained.base.is_file() else load_base(trained.base)
    model = (with_adapter(model, trained.base, trained.adapter) if trained.adapter else model).eval()
    all_chats = [*PROBE_CHATS, *trained.chats]
    prompts = [renderer.prompt(chat) for chat in all_chats]
    exact = quantisation == "f32"
    with start_worker(gguf, settings, log=check.log, exact=exact) as worker, RuntimeClient(worker.url) as client:
        ids = [renderer.ids(prompt) for prompt in prompts]
        templates = sum(client.prompt_ids(chat) == own for chat, own in zip(all_chats, ids, strict=True))
        texts = [*prompts, *HARD_STRINGS]
        tokens = sum(client.tokenize(text) == renderer.ids(text) for text in texts)
        worst, divergence, equal, count = compare_distributions(model, client, ids)
        stops = client.ends_at(ids[0], renderer.end_id())
        adds_bos = client.tokenize("a", add_special=True) != client.tokenize("a")
        speed = client.generation_speed(ids[0], tokens=SPEED_TOKENS) if check.measure_speed else 0.0
    limit, divergence_limit = limits_of(model, check)
    same = templates == len(prompts) and tokens == len(texts) and (equal == count or not exact)
    near = count > 0 and (limit is None or worst <= limit) and divergence <= divergence_limit
    return Parity(
        prompts=len(prompts),
        templates_equal=templates,
        token_ids_equal=tokens,
        token_checks=len(texts),
        max_difference=worst,
        mean_divergence=divergence,
        compared=count,
        argmax_equal=equal,
        limit=limit,
        divergence_limit=divergence_limit,
        stops=stops,
        adds_bos=adds_bos,
        tokens_per_s=speed,
        passed=same and near and stops,
    )


def limits_of(model: Any, check: Check) -> tuple[float | None, float]:
    """Largest difference and divergence, nats. llama.cpp tabulates GELU in half precision: such models differ a little more."""
    gelu = "gelu" in str(getattr(model.config, "hidden_act", "") or getattr(model.config, "hidden_activation", ""))
    limit = LIMITS.get(check.quantisation)
    # Of a type that is not exported here the coarsest one's.
    divergence = DIVERGENCE_LIMITS.get(check.quantisation, max(DIVERGENCE_LIMITS.values()))
    divergence = min(divergence, SAME_WEIGHTS) if check.same_weights and limit is None else divergence
    if not gelu:
        return limit, divergence
    return None if limit is None else max(limit, GELU_LIMIT), max(divergence, 0.01)


def require_parity(parity: Parity, *, quantisation: str) -> None:
    """Refuse a file that does not answer like its model.

    Raises:
        ExportError: says which comparison failed.
    """
    if parity.passed:
        return
    if parity.token_ids_equal < parity.token_checks:
        raise ExportError(
            f"{quantisation}: {parity.token_checks - parity.token_ids_equal} of {parity.token_checks} texts are split "
            "into other tokens than in training",
            remedy="the GGUF's pre-tokeniser is wrong: record the right one in gguf_pre.txt of the model folder",
        )
    if parity.templates_equal < parity.prompts:
        raise ExportError(
            f"{quantisation}: the served template renders {parity.prompts - parity.templates_equal} of {parity.prompts} "
            "prompts differently from the trained one",
            remedy="put the model's chat_template.jinja into its folder and export again",
        )
    if not parity.stops:
        raise ExportError(
            f"{quantisation}: the file does not stop at the token with which training ended answers",
            remedy="export it again: files of earlier versions did not write that token down",
        )
    finer = {"f32": "", "f16": "f32", "q8_0": "f16"}.get(quantisation, "q8_0 or f16")
    raise ExportError(
        f"{quantisation}: the file answers otherwise than the model: divergence {parity.mean_divergence:.5f} (limit "
        f"{parity.divergence_limit}), log-probabilities differ by up to {parity.max_difference:.4f}"
        + ("" if parity.limit is None else f" (limit {parity.limit})"),
        remedy=f"choose a finer quantisation ({finer})" if finer else "report it with the name of the base",
    )
