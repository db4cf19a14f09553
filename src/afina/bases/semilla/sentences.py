"""Lexicon → short Spanish and English messages whose meaning is known.

In: the authored word lists of `lexicon.toml` and a random generator. Out: `Message` records with the action, thing
and mood they were built from, so that every task built on them has a true label. No text from outside enters.
"""

import random
import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal

Language = Literal["es", "en"]


@dataclass(frozen=True, slots=True)
class Thing:
    """A noun in both languages. `es` carries its article; `label` is the identifier form."""

    en: str
    es: str
    label: str
    domain: str
    domain_es: str


@dataclass(frozen=True, slots=True)
class Action:
    """What a message does with a thing: its patterns and its names as a label."""

    name: str
    label: str
    es_label: str
    mood: str
    en: tuple[str, ...]
    es: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """One generated message and the facts it was generated from."""

    text: str
    language: Language
    action: Action
    thing: Thing


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Every word list, parsed once."""

    things: tuple[Thing, ...]
    actions: tuple[Action, ...]
    frame: dict[str, list[str]]
    reply: dict[str, list[str]]
    prose: dict[str, list[str]]


def read_lexicon() -> Lexicon:
    """Parse `lexicon.toml` of this package."""
    raw: dict[str, Any] = tomllib.loads(resources.files(__package__).joinpath("lexicon.toml").read_text("utf-8"))
    things = tuple(
        read_thing(entry, domain=domain, domain_es=fields["es"])
        for domain, fields in raw["domains"].items()
        for entry in fields["things"]
    )
    actions = tuple(
        Action(name, a["label"], a["es_label"], a["mood"], tuple(a["en"]), tuple(a["es"]))
        for name, a in raw["actions"].items()
    )
    return Lexicon(things, actions, raw["frame"], raw["reply"], raw["prose"])


def read_thing(entry: str, *, domain: str, domain_es: str) -> Thing:
    """`english|spanish with article|label`."""
    english, spanish, label = entry.split("|")
    return Thing(english, spanish, label, domain, domain_es)


def spanish_forms(thing: Thing) -> dict[str, str]:
    """Article, indefinite and possessive forms of a Spanish noun, by its article."""
    article, noun = thing.es.split(" ", 1)
    indefinite = {"el": "un", "la": "una", "los": "unos", "las": "unas"}[article]
    possessive = "mis" if article in {"los", "las"} else "mi"
    return {"el": thing.es, "un": f"{indefinite} {noun}", "mi": f"{possessive} {noun}", "x": noun}


def english_forms(thing: Thing) -> dict[str, str]:
    """Article, indefinite and possessive forms of an English noun."""
    article = "an" if thing.en[0] in "aeiou" else "a"
    return {"the": f"the {thing.en}", "a": f"{article} {thing.en}", "my": f"my {thing.en}", "x": thing.en}


def fill(pattern: str, thing: Thing, *, language: Language) -> str:
    """Put a noun into a pattern."""
    return pattern.format_map(spanish_forms(thing) if language == "es" else english_forms(thing))


def roughen(text: str, rng: random.Random) -> str:
    """Write as people type: lost accents, lower case, a swapped or a missing letter."""
    if rng.random() < 0.5:
        text = text.translate(str.maketrans("áéíóúÁÉÍÓÚ¿¡", "aeiouAEIOU  ")).replace("  ", " ").strip()
    if rng.random() < 0.4:
        text = text.lower().rstrip(".?!")
    if rng.random() < 0.4 and len(text) > 8:
        at = rng.randrange(1, len(text) - 2)
        swapped = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
        text = swapped if rng.random() < 0.5 else text[:at] + text[at + 1 :]
    return text


def compose(lexicon: Lexicon, rng: random.Random, *, language: Language, action: Action, thing: Thing) -> Message:
    """One message about a thing: an optional opening, the request, an optional closing, sometimes typed badly."""
    core = fill(rng.choice(action.es if language == "es" else action.en), thing, language=language)
    opening = rng.choice(lexicon.frame[f"open_{language}"]) + " " if rng.random() < 0.4 else ""
    closing = " " + rng.choice(lexicon.frame[f"close_{language}"]) if rng.random() < 0.4 else ""
    text = opening + core + closing
    text = text[0].upper() + text[1:] if rng.random() < 0.6 else text
    return Message(roughen(text, rng) if rng.random() < 0.3 else text, language, action, thing)


def draw_message(lexicon: Lexicon, rng: random.Random, *, language: Language | None = None) -> Message:
    """A message with a random action and thing."""
    chosen: Language = language or ("es" if rng.random() < 0.6 else "en")
    return compose(lexicon, rng, language=chosen, action=rng.choice(lexicon.actions), thing=rng.choice(lexicon.things))


def prose(lexicon: Lexicon, rng: random.Random, *, language: Language) -> str:
    """Two to five plain sentences, for word order and agreement."""
    lines = []
    for _ in range(rng.randint(2, 5)):
        thing = rng.choice(lexicon.things)
        noun = spanish_forms(thing)["un"] if language == "es" else english_forms(thing)["a"]
        parts = [rng.choice(lexicon.prose[f"{kind}_{language}"]) for kind in ("who", "did")]
        tail = [
            rng.choice(lexicon.prose[f"{kind}_{language}"]) for kind in ("when", "where", "why") if rng.random() < 0.6
        ]
        sentence = " ".join([*parts, noun, *tail])
        lines.append(sentence[0].upper() + sentence[1:] + ".")
    return " ".join(lines)
