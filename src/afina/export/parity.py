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
LIKELY, LIKELY_QUANTISED = -9.0, -4.6
"""Only tokens with more than e^-9 (0.01 %) are compared: below that, rounding is all there is to see. A quantised file is judged
by those with more than 1 %: what it makes of the tail is in the divergence, and one tail token's difference of a nat refused a
healthy q8_0 of SmolLM2-135M."""

LIMITS = {"f32": 0.005, "f16": 0.05, "q8_0": 1.0, "q5_k_m": 2.0, "q4_k_m": 4.0, "q4_0": 4.0}
"""Largest accepted difference of a log-probability, in nats. Quantised files are bounded by divergence too."""
DIVERGENCE_LIMITS = {"f32": 1e-4, "f16": 1e-3, "q8_0": 0.02, "q5_k_m": 0.15, "q4_k_m": 0.3, "q4_0": 0.3}
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
    judged_difference: float
    """The same among the tokens by which the file is judged; see `LIKELY_QUANTISED`."""
    mean_divergence: float
    compared: int
    argmax_equal: int
    limit: float
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
    model: Any, client: RuntimeClient, prompts: Sequence[Sequence[int]], *, judged: float = LIKELY
) -> tuple[float, float, float, int, int]:
    """Largest difference, largest one among tokens likelier than e^judged, mean divergence, equal argmaxes, comparisons.

    The divergence is KL(model ‖ file) over the file's likeliest tokens and one outcome for all others: a lower bound of
    the whole one (data processing inequality), never negative.
    """
    worst = worst_judged = divergence = 0.0
    equal = count = 0
    for ids in prompts:
        for length in cut_points(ids):
            served = client.next_log_probabilities(ids[:length])
            reference = hf_log_probabilities(model, ids[:length])
            count += 1
            equal += int(reference.argmax()) == max(served, key=lambda token: served[token])
            pairs = [(float(reference[token]), value) for token, value in served.items()]
            worst = max([worst, *(abs(p - q) for p, q in pairs if max(p, q) > LIKELY)])
            worst_judged = max([worst_judged, *(abs(p - q) for p, q in pairs if max(p, q) > judged)])
            rest = [
                math.log(max(1e-12, 1 - sum(math.exp(side) for side in sides))) for sides in zip(*pairs, strict=True)
            ]
            divergence += sum(math.exp(p) * (p - q) for p, q in [*pairs, (rest[0], rest[1])])
    return worst, worst_judged, divergence / max(1, count), equal, count


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """How a file is checked: whose limits hold, where its worker logs, whether its speed is measured too."""

    quantisation: str
    log: Path
    measure_speed: bool = False

    @property
    def limits(self) -> str:
        """The quantisation whose limits hold: of a type that is not exported here, those of q4_0, the coarsest."""
        return self.quantisation if self.quantisation in LIMITS else "q4_0"


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
        judged = LIKELY if quantisation in {"f32", "f16"} else LIKELY_QUANTISED
        worst, worst_judged, divergence, equal, count = compare_distributions(model, client, ids, judged=judged)
        stops = client.ends_at(ids[0], renderer.end_id())
        adds_bos = client.tokenize("a", add_special=True) != client.tokenize("a")
        speed = client.generation_speed(ids[0], tokens=SPEED_TOKENS) if check.measure_speed else 0.0
    limit, divergence_limit = limits_of(model, check.limits)
    same = templates == len(prompts) and tokens == len(texts) and (equal == count or not exact)
    near = count > 0 and worst_judged <= limit and divergence <= divergence_limit
    return Parity(
        prompts=len(prompts),
        templates_equal=templates,
        token_ids_equal=tokens,
        token_checks=len(texts),
        max_difference=worst,
        judged_difference=worst_judged,
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


def limits_of(model: Any, quantisation: str) -> tuple[float, float]:
    """Largest difference and divergence, nats. llama.cpp tabulates GELU in half precision: such models differ a little more."""
    gelu = "gelu" in str(getattr(model.config, "hidden_act", "") or getattr(model.config, "hidden_activation", ""))
    limit = max(LIMITS[quantisation], GELU_LIMIT) if gelu else LIMITS[quantisation]
    return limit, max(DIVERGENCE_LIMITS[quantisation], 0.01 if gelu else 0.0)


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
    raise ExportError(
        f"{quantisation}: log-probabilities differ by up to {parity.judged_difference:.4f} (limit {parity.limit}), "
        f"divergence {parity.mean_divergence:.5f} (limit {parity.divergence_limit})",
        remedy="choose a finer quantisation (q8_0, f16)",
    )
