"""Messages → chat examples of many small tasks, for the built-in base's first training.

Each task is a function `(lexicon, rng) → list of chat turns`. What lifts a base this small is the variety of tasks
and words it meets in the chat format, so every task varies its wording, its labels and its output form.
"""

import json
import random
from collections.abc import Callable

from afina.bases.semilla.sentences import (
    Action,
    Language,
    Lexicon,
    Message,
    Thing,
    compose,
    draw_message,
    english_forms,
    fill,
    prose,
    spanish_forms,
)

Turns = list[dict[str, str]]
Task = Callable[[Lexicon, random.Random], Turns]

FIELDS: dict[str, tuple[str, str]] = {
    "intent": ("intent", "plain"),
    "intencion": ("intent", "plain"),
    "action": ("intent", "action"),
    "accion": ("intent", "action"),
    "category": ("intent", "reverse"),
    "categoria": ("intent", "reverse"),
    "label": ("intent", "domain"),
    "etiqueta": ("intent", "domain"),
    "command": ("intent", "camel"),
    "topic": ("domain", ""),
    "tema": ("domain", ""),
    "area": ("domain", ""),
    "sentiment": ("mood", ""),
    "sentimiento": ("mood", ""),
    "object": ("thing", ""),
    "objeto": ("thing", ""),
}
"""Field name → what it asks for, and the style of its labels. One name, one style: an answer that cannot be known from
the prompt teaches a model this small to ignore the prompt (measured: docs/lab-notes.md)."""
MOODS_ES = {"positive": "positivo", "neutral": "neutral", "negative": "negativo"}


def camel(name: str) -> str:
    """`turn_on` → `TurnOn`."""
    return "".join(part.capitalize() for part in name.split("_"))


def turns(system: str, user: str, assistant: str) -> Turns:
    """One exchange; the system turn is left out when empty."""
    head = [{"role": "system", "content": system}] if system else []
    return [*head, {"role": "user", "content": user}, {"role": "assistant", "content": assistant}]


def intent_label(message: Message, *, style: str) -> str:
    """The name of what the message wants, in one of the styles people use for labels."""
    action, thing = message.action, message.thing
    match style:
        case "action":
            return action.label
        case "camel":
            return camel(action.label) + camel(thing.label)
        case "reverse":
            return f"{thing.label}_{action.label}"
        case "domain":
            return f"{thing.domain}.{action.label}"
        case _:
            return f"{action.label}_{thing.label}"


def field_label(message: Message, name: str, *, spanish: bool) -> str:
    """The right label of a message for a field. A Spanish instruction asks for Spanish labels where there are any."""
    kind, style = FIELDS[name]
    if kind == "intent" and style == "action" and spanish:
        return message.action.es_label
    if kind == "intent":
        return intent_label(message, style=style)
    if kind == "domain":
        return message.thing.domain_es if spanish else message.thing.domain
    if kind == "mood":
        return MOODS_ES[message.action.mood] if spanish else message.action.mood
    return message.thing.label


def classify(lexicon: Lexicon, rng: random.Random) -> Turns:
    """The product's own task: named fields in, one JSON object out."""
    message = draw_message(lexicon, rng)
    names = rng.sample(list(FIELDS), rng.randint(1, 6))
    spanish = rng.random() < 0.6
    answer = {name: field_label(message, name, spanish=spanish) for name in names}
    spoken = "Clasifica el mensaje. Campos" if spanish else "Classify the message. Fields"
    return turns(f"{spoken}: {', '.join(names)}.", message.text, json.dumps(answer, ensure_ascii=False))


def label_one(lexicon: Lexicon, rng: random.Random) -> Turns:
    """One field, answered by the bare label: the shortest path from reading a message to naming something in it."""
    message = draw_message(lexicon, rng)
    name = rng.choice(list(FIELDS))
    spanish = rng.random() < 0.6
    ask = f"Clasifica el mensaje por {name}." if spanish else f"Classify the message by {name}."
    return turns(ask, message.text, field_label(message, name, spanish=spanish))


def choose(lexicon: Lexicon, rng: random.Random) -> Turns:
    """Pick the right label out of a list given in the prompt; the answer is plain text."""
    message = draw_message(lexicon, rng)
    by_thing = rng.random() < 0.5
    pool = sorted({thing.label for thing in lexicon.things} if by_thing else {a.label for a in lexicon.actions})
    right = message.thing.label if by_thing else message.action.label
    options = rng.sample([label for label in pool if label != right], rng.randint(2, 5)) + [right]
    rng.shuffle(options)
    ask = "Elige una etiqueta" if message.language == "es" else "Choose one label"
    return turns(f"{ask}: {', '.join(options)}.", message.text, right)


def choose_by_examples(lexicon: Lexicon, rng: random.Random) -> Turns:
    """Few-shot: invented label names must be read off the examples in the prompt."""
    language: Language = rng.choice(["es", "en"])
    actions = rng.sample(lexicon.actions, 3)
    names = rng.sample(["A", "B", "C", "D", "uno", "dos", "tres", "red", "blue", "k1", "k2", "k3"], 3)
    lines = [
        f"{compose(lexicon, rng, language=language, action=action, thing=rng.choice(lexicon.things)).text} -> {name}"
        for action, name in zip(actions, names, strict=True)
    ]
    at = rng.randrange(3)
    query = compose(lexicon, rng, language=language, action=actions[at], thing=rng.choice(lexicon.things))
    return turns("\n".join(lines), query.text, names[at])


def extract(lexicon: Lexicon, rng: random.Random) -> Turns:
    """Copy an object, an amount and a date out of a sentence into JSON or YAML."""
    language: Language = rng.choice(["es", "en"])
    thing = rng.choice(lexicon.things)
    amount = rng.choice([rng.randint(1, 99), rng.randint(1, 99) * 1000])
    day = f"{rng.randint(1, 28):02d}/{rng.randint(1, 12):02d}/{rng.randint(2020, 2027)}"
    if language == "es":
        user = rng.choice(
            [
                f"Pagué {amount} por {thing.es} el {day}.",
                f"El {day} pedí {spanish_forms(thing)['un']} de {amount} pesos.",
            ]
        )
        answer: dict[str, str | int] = {"objeto": spanish_forms(thing)["x"], "monto": amount, "fecha": day}
    else:
        user = rng.choice(
            [f"I paid {amount} for the {thing.en} on {day}.", f"On {day} we sold a {thing.en} for {amount}."]
        )
        answer = {"object": thing.en, "amount": amount, "date": day}
    if rng.random() < 0.3:
        text = "\n".join(f"{key}: {value}" for key, value in answer.items())
        return turns("YAML: " + ", ".join(answer), user, text)
    return turns("JSON: " + ", ".join(answer), user, json.dumps(answer, ensure_ascii=False))


def reply(lexicon: Lexicon, rng: random.Random) -> Turns:
    """A service dialogue of one to three exchanges."""
    language: Language = rng.choice(["es", "en"])
    thing = rng.choice(lexicon.things)
    talk: Turns = []
    for _ in range(rng.randint(1, 3)):
        message = compose(lexicon, rng, language=language, action=rng.choice(lexicon.actions), thing=thing)
        answer = fill(rng.choice(lexicon.reply[language]), thing, language=language)
        talk += turns("", message.text, answer[0].upper() + answer[1:])
    system = "Eres un asistente amable." if language == "es" else "You are a helpful assistant."
    return [{"role": "system", "content": system}, *talk] if rng.random() < 0.5 else talk


def translate(lexicon: Lexicon, rng: random.Random) -> Turns:
    """A word or a phrase from one language into the other."""
    thing = rng.choice(lexicon.things)
    adjective = rng.choice(lexicon.prose["adjectives"]).split("|")
    source, target = rng.choice(
        [
            (f"the {thing.en}", thing.es),
            (adjective[0], adjective[1]),
            (english_forms(thing)["x"], spanish_forms(thing)["x"]),
        ]
    )
    if rng.random() < 0.5:
        return turns("Traduce al español.", source, target)
    return turns("Translate to English.", target, source)


def paraphrase(lexicon: Lexicon, rng: random.Random) -> Turns:
    """The same wish in other words, in the same or the other language."""
    first = draw_message(lexicon, rng)
    language: Language = rng.choice(["es", "en"])
    second = compose(lexicon, rng, language=language, action=first.action, thing=first.thing)
    ask = "Dilo de otra forma en español." if language == "es" else "Say it another way in English."
    return turns(ask, first.text, second.text)


def compute(lexicon: Lexicon, rng: random.Random) -> Turns:
    """Small sums, comparisons and counts."""
    a, b = rng.randint(1, 99), rng.randint(1, 99)
    kind = rng.randrange(3)
    if kind == 0:
        return turns("", f"{a} + {b} =", str(a + b))
    if kind == 1:
        return turns("", f"¿Cuál es mayor, {a} o {b}?", str(max(a, b)))
    words = [rng.choice(lexicon.things).en for _ in range(rng.randint(1, 6))]
    return turns("Count the items.", ", ".join(words), str(len(words)))


def echo(lexicon: Lexicon, rng: random.Random) -> Turns:
    """Copy, upper-case or list words: the plainest instruction following."""
    words = [
        rng.choice([thing.en, spanish_forms(thing)["x"]]) for thing in rng.sample(lexicon.things, rng.randint(1, 5))
    ]
    text = " ".join(words)
    ask, answer = rng.choice(
        [
            ("Repeat.", text),
            ("Repite.", text),
            ("In capitals.", text.upper()),
            ("En mayúsculas.", text.upper()),
            ("JSON list.", json.dumps(words, ensure_ascii=False)),
            ("Última palabra.", words[-1]),
            ("First item.", words[0]),
        ]
    )
    return turns(ask, text if ask != "First item." else ", ".join(words), answer)


def specify(lexicon: Lexicon, rng: random.Random) -> Turns:
    """A short requirements document in YAML."""
    things = rng.sample(lexicon.things, 3)
    lines = [f"title: {things[0].en.title()} manager", "functional_requirements:"]
    for number, thing in enumerate(things, 1):
        verb, priority = rng.choice(["see", "change", "cancel", "share"]), rng.choice(["High", "Medium", "Low"])
        lines += [
            f"- id: FR{number:03d}",
            f"  description: The user can {verb} the {thing.en}.",
            f"  priority: {priority}",
        ]
    return turns("Write the requirements as YAML.", f"Concept: an app for the {things[0].en}", "\n".join(lines))


def read(lexicon: Lexicon, rng: random.Random) -> Turns:
    """Answer a question about a sentence of the prompt."""
    who, did = rng.choice(lexicon.prose["who_es"]), rng.choice(lexicon.prose["did_es"])
    when, where = rng.choice(lexicon.prose["when_es"]), rng.choice(lexicon.prose["where_es"])
    thing = rng.choice(lexicon.things)
    text = f"{who[0].upper()}{who[1:]} {did} {thing.es} {when} {where}."
    question, answer = rng.choice([("¿Quién?", who), ("¿Qué?", thing.es), ("¿Cuándo?", when), ("¿Dónde?", where)])
    return turns(text, question, answer)


TASKS: tuple[tuple[Task, float], ...] = (
    (classify, 0.40),
    (label_one, 0.10),
    (choose, 0.12),
    (choose_by_examples, 0.04),
    (extract, 0.08),
    (reply, 0.05),
    (translate, 0.06),
    (paraphrase, 0.07),
    (compute, 0.03),
    (echo, 0.04),
    (specify, 0.02),
    (read, 0.05),
)


def draw_example(lexicon: Lexicon, rng: random.Random) -> Turns:
    """One chat example of a random task."""
    weights = [weight for _, weight in TASKS]
    task = rng.choices([task for task, _ in TASKS], weights)[0]
    return task(lexicon, rng)


def draw_prose(lexicon: Lexicon, rng: random.Random) -> str:
    """One plain paragraph in either language."""
    return prose(lexicon, rng, language=rng.choice(["es", "en"]))


__all__ = ["TASKS", "Action", "Thing", "Turns", "draw_example", "draw_prose"]
