"""Lexicon and word files → short Spanish and English messages whose meaning is known.

In: the authored word lists of `lexicon.toml` (any action with any thing) and of `words/` (what people want in one
domain), and a random generator. Out: `Message` records with the facts they were built from, so that every task built
on them has a true label. No text from outside enters.
"""

import random
import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Any

from afina.bases.semilla.grammar import Domain, Intent, Language, expand, read_domains


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One generated message and the facts it was generated from; `action` and `intent` are label identifiers."""

    text: str
    language: Language
    action: str
    action_es: str
    intent: str
    thing: str
    domain: str
    domain_es: str
    mood: str


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Every word list, parsed once."""

    things: tuple[Thing, ...]
    actions: tuple[Action, ...]
    frame: dict[str, list[str]]
    reply: dict[str, list[str]]
    prose: dict[str, list[str]]
    domains: tuple[Domain, ...]


def read_lexicon() -> Lexicon:
    """Parse `lexicon.toml` and the word files of this package."""
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
    return Lexicon(things, actions, raw["frame"], raw["reply"], raw["prose"], read_domains())


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


def dress(lexicon: Lexicon, rng: random.Random, core: str, *, language: Language) -> str:
    """An optional opening and closing around a request, and now and then the marks of careless typing."""
    opening = rng.choice(lexicon.frame[f"open_{language}"]) + " " if rng.random() < 0.25 else ""
    closing = " " + rng.choice(lexicon.frame[f"close_{language}"]) if rng.random() < 0.25 else ""
    text = opening + core + closing
    text = text[0].upper() + text[1:] if rng.random() < 0.4 else text
    return roughen(text, rng) if rng.random() < 0.25 else text


def compose(lexicon: Lexicon, rng: random.Random, *, language: Language, action: Action, thing: Thing) -> Message:
    """One message that does an action to a thing."""
    core = fill(rng.choice(action.es if language == "es" else action.en), thing, language=language)
    return Message(
        text=dress(lexicon, rng, core, language=language),
        language=language,
        action=action.label,
        action_es=action.es_label,
        intent=f"{action.label}_{thing.label}",
        thing=thing.label,
        domain=thing.domain,
        domain_es=thing.domain_es,
        mood=action.mood,
    )


def say(lexicon: Lexicon, rng: random.Random, *, language: Language, domain: Domain, intent: Intent) -> Message:
    """One message with an intent of a domain."""
    core = expand(rng.choice(intent.patterns[language]), domain, rng, language=language)
    return Message(
        text=dress(lexicon, rng, core, language=language),
        language=language,
        action=intent.label,
        action_es=intent.label_es,
        intent=intent.label,
        thing=intent.thing,
        domain=domain.name,
        domain_es=domain.name_es,
        mood=intent.mood,
    )


def draw_language(rng: random.Random) -> Language:
    """Spanish a little more often than English."""
    return "es" if rng.random() < 0.55 else "en"


def draw_message(lexicon: Lexicon, rng: random.Random, *, language: Language | None = None) -> Message:
    """A message of a random domain and intent, or of a random action and thing."""
    chosen = language or draw_language(rng)
    if rng.random() < 0.25:
        action, thing = rng.choice(lexicon.actions), rng.choice(lexicon.things)
        return compose(lexicon, rng, language=chosen, action=action, thing=thing)
    domain = rng.choice(lexicon.domains)
    return say(lexicon, rng, language=chosen, domain=domain, intent=rng.choice(domain.intents))


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
