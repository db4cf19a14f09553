"""Word files → messages and replies: small grammars of what people write in one field of life, in two languages.

Each file of `words/` is a domain: slots (lists of phrases) and intents (patterns, replies, labels). A pattern is text
with `[a|b|]` (one of these, or nothing) and `{slot}` (a phrase of the file, or one of the shared slots below). Every
entry was written for this project; no text from outside enters.
"""

import random
import re
import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal

Language = Literal["es", "en"]
CHOICE = re.compile(r"\[([^\[\]]*)\]")
SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One thing people want in a domain: its labels, how they say it and how a clerk answers."""

    label: str
    label_es: str
    mood: str
    thing: str
    patterns: dict[Language, tuple[str, ...]]
    replies: dict[Language, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """One field of life."""

    name: str
    name_es: str
    slots: dict[Language, dict[str, tuple[str, ...]]]
    intents: tuple[Intent, ...]


SHARED: dict[str, dict[Language, tuple[str, ...]]] = {
    "ask": {
        "en": (
            *("can you", "could you", "could you please", "please", "i want to", "i need to", "i'd like to", "help me"),
            *("i would like you to", "would you", "i have to", "i'm trying to", "let me", "i must", "go ahead and"),
            *("will you", "i was hoping to", "it's time to", "", "", "is it ok to", "i wish to", "i am going to"),
        ),
        "es": ("",),
    },
    "how": {
        "en": (
            *("how do i", "how can i", "what's the way to", "is it possible to", "tell me how to", "where can i"),
            *("what do i have to do to", "what are the steps to", "am i able to", "is there a way to", "may i"),
            *("do you know how to", "explain how to", "what is needed to", "how does one", "who can help me"),
        ),
        "es": ("",),
    },
    "quiero": {
        "en": ("",),
        "es": (
            *("quiero", "necesito", "me gustaría", "quisiera", "¿puedo", "¿me ayudas a", "tengo que", "voy a", "debo"),
            *("¿podrías", "¿puedes", "ayúdame a", "estoy tratando de", "me interesa", "deseo", "hay que", "¿se puede"),
            *("por favor,", "vengo a", "pensaba", "ojalá pueda", "¿es posible", "prefiero", "me urge"),
        ),
    },
    "como": {
        "en": ("",),
        "es": (
            *(
                "¿cómo puedo",
                "¿cómo hago para",
                "¿qué hay que hacer para",
                "¿qué necesito para",
                "dime cómo",
                "no sé cómo",
            ),
            *(
                "¿dónde puedo",
                "¿cuáles son los pasos para",
                "¿de qué forma puedo",
                "quiero saber cómo",
                "explícame cómo",
            ),
            *(
                "¿hay manera de",
                "¿me explican cómo",
                "¿a quién le pido",
                "¿cómo se hace para",
                "¿qué tengo que hacer para",
            ),
        ),
    },
    "name": {
        "en": (
            "anna",
            "tom",
            "my brother",
            "maria",
            "john",
            "my mother",
            "lucy",
            "the boss",
            "peter",
            "my wife",
            "sam",
        ),
        "es": (
            "ana",
            "tomás",
            "mi hermano",
            "maría",
            "juan",
            "mi mamá",
            "lucía",
            "la jefa",
            "pedro",
            "mi señora",
            "camila",
        ),
    },
    "place": {
        "en": (
            "london",
            "santiago",
            "lima",
            "boston",
            "madrid",
            "paris",
            "the city centre",
            "new york",
            "the coast",
            "rome",
        ),
        "es": (
            "santiago",
            "lima",
            "valparaíso",
            "madrid",
            "concepción",
            "el centro",
            "bogotá",
            "la serena",
            "buenos aires",
        ),
    },
    "date": {
        "en": (
            *(
                "tomorrow",
                "monday",
                "friday night",
                "next week",
                "the third of may",
                "december 24",
                "today",
                "this weekend",
            ),
            *(
                "the end of the month",
                "last tuesday",
                "the 15th",
                "april",
                "thursday",
                "two weeks from now",
                "5/11/2026",
            ),
        ),
        "es": (
            *(
                "mañana",
                "el lunes",
                "el viernes en la noche",
                "la próxima semana",
                "el tres de mayo",
                "el 24 de diciembre",
            ),
            *("hoy", "este fin de semana", "fin de mes", "el martes", "el 15", "abril", "el jueves", "5/11/2026"),
        ),
    },
}
"""Slots that every word file may use, beside `time`, `amount` and `number`, which are drawn."""


def draw_number(slot: str, rng: random.Random, *, language: Language) -> str:
    """A time of day, an amount of money or a small count, as people write them."""
    if slot == "time":
        hour = rng.randint(1, 12)
        if language == "es":
            return rng.choice([f"las {hour}", f"las {hour + 8}:{rng.choice(['00', '15', '30', '45'])}", "mediodía"])
        return rng.choice([f"{hour} am", f"{hour} pm", f"{hour}:{rng.choice(['15', '30', '45'])}", "noon"])
    if slot == "amount":
        small, large = rng.randint(1, 999), rng.randint(1, 999)
        if language == "es":
            return rng.choice([f"${large}.000", f"{large} mil pesos", f"{small} euros", "veinte mil", "diez lucas"])
        return rng.choice([f"${small}", f"{small} dollars", f"{small} euros", "twenty bucks", f"{large},000"])
    return str(rng.randint(1, 12))


def expand(pattern: str, domain: Domain, rng: random.Random, *, language: Language) -> str:
    """Make every choice of a pattern and fill its slots; articles and blanks are put right."""

    def slot(found: re.Match[str]) -> str:
        name = found[1]
        if name in domain.slots[language]:
            return rng.choice(domain.slots[language][name])
        if name in SHARED:
            return rng.choice(SHARED[name][language])
        return draw_number(name, rng, language=language)

    text = SLOT.sub(slot, CHOICE.sub(lambda found: rng.choice(found[1].split("|")), pattern))
    return agree(re.sub(r"\s+", " ", text).strip(), language=language)


def agree(text: str, *, language: Language) -> str:
    """`a apple` → `an apple`; `de el` → `del`, `a el` → `al`; an article that pattern and slot both bring stands once."""
    text = re.sub(r"\b(the|el|la|los|las|at|de) \1\b", r"\1", text)
    if language == "en":
        return re.sub(r"\b([Aa]) (?=[aeio])", r"\1n ", text)
    return re.sub(r"\b([Dd])e el\b", r"\1el", re.sub(r"\b([Aa]) el\b", r"\1l", text))


def read_domains() -> tuple[Domain, ...]:
    """Every word file of this package, by name.

    Raises:
        ValueError: a file breaks the grammar; it names file and pattern.
    """
    folder = resources.files(__package__).joinpath("words")
    files = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".toml")), key=lambda entry: entry.name)
    return tuple(read_domain(entry.name, tomllib.loads(entry.read_text("utf-8"))) for entry in files)


def read_domain(file: str, raw: dict[str, Any]) -> Domain:
    """One parsed word file as a checked record."""
    slots: dict[Language, dict[str, tuple[str, ...]]] = {"es": {}, "en": {}}
    for key, phrases in raw["slots"].items():
        language: Language = "es" if key.endswith("_es") else "en"
        slots[language][key[:-3]] = tuple(phrases)
    intents = tuple(
        Intent(
            label=label,
            label_es=fields["label_es"],
            mood=fields["mood"],
            thing=fields["thing"],
            patterns={"es": tuple(fields["patterns_es"]), "en": tuple(fields["patterns_en"])},
            replies={"es": tuple(fields["reply_es"]), "en": tuple(fields["reply_en"])},
        )
        for label, fields in raw["intents"].items()
    )
    domain = Domain(name=raw["domain"], name_es=raw["es"], slots=slots, intents=intents)
    check(file, domain)
    return domain


def check(file: str, domain: Domain) -> None:
    """Refuse unknown slots and unbalanced brackets, by file and pattern."""
    known = set(SHARED) | {"time", "amount", "number"}
    for intent in domain.intents:
        for texts in (intent.patterns, intent.replies):
            for language, patterns in texts.items():
                for pattern in patterns:
                    if pattern.count("[") != pattern.count("]") or (
                        set(SLOT.findall(pattern)) - known - set(domain.slots[language])
                    ):
                        raise ValueError(f"words/{file}: {intent.label}: {pattern!r}: unknown slot or open bracket")
