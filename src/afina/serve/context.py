"""What a model is told before the message: instructions, what was looked up, the person's state and manner, which changes words and never facts."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from afina.settings import ReplySettings

STRONG, WEAK = 0.8, 0.3
"""Intensities from and up to which the manner changes (document 002)."""
MANNER = {
    "es": {
        "strong": "Anima a la persona con refuerzo positivo y usa emojis con moderación.",
        "weak": "Sé sobrio y directo, sin emojis.",
        "facts": "El tono nunca cambia cifras, fechas ni hechos.",
        "coach": "Habla como un coach cercano.",
        "neutral": "",
        "formal": "Trata a la persona de usted.",
        "known": "Lo que se sabe:",
        "state": "Estado de la persona:",
    },
    "en": {
        "strong": "Encourage the person and use emojis in moderation.",
        "weak": "Be sober and direct, without emojis.",
        "facts": "The tone never changes figures, dates or facts.",
        "coach": "Speak like a coach who is close to the person.",
        "neutral": "",
        "formal": "Be formal.",
        "known": "What is known:",
        "state": "State of the person:",
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a person wants to be spoken to: locale (`es-CL`), intensity from 0 to 1, tone (coach, neutral, formal)."""

    locale: str = "es"
    intensity: float = 0.5
    tone: str = "neutral"


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What belongs to one reply."""

    manner: Manner = Manner()
    chunks: Sequence[str] = ()
    """What was looked up for this message."""
    state: Mapping[str, Any] = field(default_factory=dict)


def told(settings: ReplySettings, prompt: str, context: Context) -> str:
    """The system prompt. `prompt` is the task's own, used where the settings have no instructions; the value of intensity stands in it, because the
    model was trained to read it.
    """
    words = MANNER["en" if context.manner.locale.startswith("en") else "es"]
    manner = context.manner
    strength = "strong" if manner.intensity >= STRONG else "weak" if manner.intensity <= WEAK else ""
    lines = [
        settings.instructions or prompt,
        f"locale={manner.locale} intensity={manner.intensity:g} tone={manner.tone}",
        " ".join(filter(None, (words[manner.tone], words.get(strength, ""), words["facts"]))),
    ]
    if context.chunks:
        lines.append("\n".join([words["known"], *(f"- {chunk}" for chunk in context.chunks)]))
    if context.state:
        lines.append(f"{words['state']} {json.dumps(dict(context.state), ensure_ascii=False, sort_keys=True)}")
    return "\n".join(filter(None, lines))
