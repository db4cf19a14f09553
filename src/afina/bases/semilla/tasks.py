"""Messages → chat examples of many small tasks, for the built-in base's first training.

Each task is a function `(lexicon, rng) → list of chat turns`. What lifts a base this small is the variety of tasks
and words it meets in the chat format, so every task varies its wording, its labels and its output form.
"""

import json
import random
from collections.abc import Callable

from afina.bases.semilla.grammar import SHARED, SLOT, Language, draw_number, expand
from afina.bases.semilla.sentences import (
    Lexicon,
    Message,
    compose,
    draw_language,
    draw_message,
    english_forms,
    fill,
    prose,
    say,
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
SYSTEM_ES = (
    *("Eres un asistente amable.", "Atiendes a los clientes de una tienda.", "Responde breve y claro."),
    *("Eres la persona que contesta los mensajes.", "Ayudas a quien escribe."),
)
SYSTEM_EN = (
    *("You are a helpful assistant.", "You answer the customers of a shop.", "Be short and clear."),
    *("You are the clerk who answers messages.", "Help whoever writes."),
)
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
    match style:
        case "action":
            return message.action
        case "camel":
            return camel(message.intent)
        case "reverse":
            return "_".join(reversed(message.intent.split("_")))
        case "domain":
            return f"{message.domain}.{message.action}"
        case _:
            return message.intent


def field_label(message: Message, name: str, *, spanish: bool) -> str:
    """The right label of a message for a field. A Spanish instruction asks for Spanish labels where there are any."""
    kind, style = FIELDS[name]
    if kind == "intent" and style == "action" and spanish:
        return message.action_es
    if kind == "intent":
        return intent_label(message, style=style)
    if kind == "domain":
        return message.domain_es if spanish else message.domain
    if kind == "mood":
        return MOODS_ES[message.mood] if spanish else message.mood
    return message.thing


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
    language = draw_language(rng)
    domain = rng.choice(lexicon.domains)
    intents = rng.sample(domain.intents, rng.randint(2, 5))
    if rng.random() < 0.4:
        intents = [intents[0], *(rng.choice(rng.choice(lexicon.domains).intents) for _ in intents[1:])]
    message = say(lexicon, rng, language=language, domain=domain, intent=intents[0])
    options = list(dict.fromkeys(intent.label_es if language == "es" else intent.label for intent in intents))
    right = options[0]
    rng.shuffle(options)
    ask = "Elige una etiqueta" if language == "es" else "Choose one label"
    return turns(f"{ask}: {', '.join(options)}.", message.text, right)


def same_wish(lexicon: Lexicon, rng: random.Random) -> Turns:
    """Whether two messages of one domain want the same."""
    language = draw_language(rng)
    domain = rng.choice(lexicon.domains)
    first = rng.choice(domain.intents)
    second = first if rng.random() < 0.5 else rng.choice(domain.intents)
    texts = [say(lexicon, rng, language=language, domain=domain, intent=intent).text for intent in (first, second)]
    ask, yes = ("¿Piden lo mismo?", "sí") if language == "es" else ("Do they want the same?", "yes")
    return turns(ask, "\n".join(texts), yes if first is second else "no")


def choose_by_examples(lexicon: Lexicon, rng: random.Random) -> Turns:
    """Few-shot: invented label names must be read off the examples in the prompt."""
    language = draw_language(rng)
    actions = rng.sample(lexicon.actions, 3)
    names = rng.sample(["A", "B", "C", "D", "uno", "dos", "tres", "red", "blue", "k1", "k2", "k3"], 3)
    lines = [
        f"{compose(lexicon, rng, language=language, action=action, thing=rng.choice(lexicon.things)).text} -> {name}"
        for action, name in zip(actions, names, strict=True)
    ]
    at = rng.randrange(3)
    query = compose(lexicon, rng, language=language, action=actions[at], thing=rng.choice(lexicon.things))
    return turns("\n".join(lines), query.text, names[at])


FACTS: dict[Language, tuple[tuple[str, ...], dict[str, str]]] = {
    "es": (
        (
            "pagué {amount} por {thing} el {day}",
            "el {day} pedí {thing}, me costó {amount}",
            "{name} quiere {thing} para {date}, a {time}",
            "anota: {thing}, {date}, {time}, en {place}",
            "somos {number}, vamos a {place} {date} y llevamos {thing}",
            "factura de {amount} a nombre de {name}, fecha {day}",
            "{name} vive en {place} y debe {amount} desde {date}",
        ),
        {
            "thing": "objeto",
            "amount": "monto",
            "day": "fecha",
            "date": "cuando",
            "time": "hora",
            "name": "persona",
            "place": "lugar",
            "number": "cantidad",
        },
    ),
    "en": (
        (
            "i paid {amount} for {thing} on {day}",
            "on {day} we sold {thing} for {amount}",
            "{name} wants {thing} by {date} at {time}",
            "note: {thing}, {date}, {time}, in {place}",
            "there are {number} of us, going to {place} {date} with {thing}",
            "invoice of {amount} to {name}, dated {day}",
            "{name} lives in {place} and owes {amount} since {date}",
        ),
        {
            "thing": "object",
            "amount": "amount",
            "day": "date",
            "date": "when",
            "time": "hour",
            "name": "person",
            "place": "place",
            "number": "count",
        },
    ),
}
"""Sentences whose slots are facts, and the facts' names as keys of an answer."""


def draw_fact(lexicon: Lexicon, rng: random.Random, slot: str, *, language: Language) -> str:
    """One value for a slot of `FACTS`."""
    if slot == "day":
        day, month, year = rng.randint(1, 28), rng.randint(1, 12), rng.randint(2020, 2027)
        return rng.choice([f"{day:02d}/{month:02d}/{year}", f"{year}-{month:02d}-{day:02d}"])
    if slot == "thing":
        slots = rng.choice(lexicon.domains).slots[language]
        return rng.choice(slots[rng.choice(sorted(slots))])
    if slot in SHARED:
        return rng.choice(SHARED[slot][language])
    return draw_number(slot, rng, language=language)


def extract(lexicon: Lexicon, rng: random.Random) -> Turns:
    """Copy objects, amounts, dates and names out of a sentence into JSON or YAML."""
    language = draw_language(rng)
    patterns, keys = FACTS[language]
    pattern = rng.choice(patterns)
    facts = {slot: draw_fact(lexicon, rng, slot, language=language) for slot in SLOT.findall(pattern)}
    wanted = rng.sample(sorted(facts), rng.randint(1, len(facts)))
    answer = {keys[slot]: facts[slot] for slot in wanted}
    if rng.random() < 0.3:
        return turns("YAML: " + ", ".join(answer), pattern.format_map(facts), yaml_lines(answer))
    return turns("JSON: " + ", ".join(answer), pattern.format_map(facts), json.dumps(answer, ensure_ascii=False))


def yaml_lines(answer: dict[str, str]) -> str:
    """A flat mapping as YAML."""
    return "\n".join(f"{key}: {value}" for key, value in answer.items())


def reply(lexicon: Lexicon, rng: random.Random) -> Turns:
    """A service dialogue of one to three exchanges about one domain or one thing."""
    language = draw_language(rng)
    domain, thing = rng.choice(lexicon.domains), rng.choice(lexicon.things)
    by_domain = rng.random() < 0.8
    talk: Turns = []
    for _ in range(rng.randint(1, 3)):
        if by_domain:
            intent = rng.choice(domain.intents)
            message = say(lexicon, rng, language=language, domain=domain, intent=intent)
            answer = expand(rng.choice(intent.replies[language]), domain, rng, language=language)
        else:
            message = compose(lexicon, rng, language=language, action=rng.choice(lexicon.actions), thing=thing)
            answer = fill(rng.choice(lexicon.reply[language]), thing, language=language)
        talk += turns("", message.text, answer[0].upper() + answer[1:])
    system = rng.choice(SYSTEM_ES if language == "es" else SYSTEM_EN)
    return [{"role": "system", "content": system}, *talk] if rng.random() < 0.6 else talk


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
    domain = rng.choice(lexicon.domains)
    intent = rng.choice(domain.intents)
    language = draw_language(rng)
    first = say(lexicon, rng, language=draw_language(rng), domain=domain, intent=intent)
    second = say(lexicon, rng, language=language, domain=domain, intent=intent)
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
    """A short requirements document in YAML, or one requirement as a sentence."""
    language = draw_language(rng)
    domain = rng.choice(lexicon.domains)
    intents = rng.sample(domain.intents, rng.randint(2, 3))
    wishes = [(i.label_es if language == "es" else i.label).replace("_", " ") for i in intents]
    if rng.random() < 0.3:
        if language == "es":
            return turns("Escribe un requisito.", wishes[0], f"El sistema debe permitir al usuario {wishes[0]}.")
        return turns("Write one requirement.", wishes[0], f"The system shall let the user {wishes[0]}.")
    sentence = "El usuario puede" if language == "es" else "The user can"
    lines = [f"title: {domain.name_es if language == 'es' else domain.name}", "functional_requirements:"]
    for number, (wish, priority) in enumerate(zip(wishes, ("High", "Medium", "Low"), strict=False), 1):
        lines += [f"- id: FR{number:03d}", f"  description: {sentence} {wish}.", f"  priority: {priority}"]
    ask = "Escribe los requisitos en YAML." if language == "es" else "Write the requirements as YAML."
    return turns(ask, ", ".join(wishes), "\n".join(lines))


def read(lexicon: Lexicon, rng: random.Random) -> Turns:
    """Answer a question about a sentence of the prompt."""
    who, did = rng.choice(lexicon.prose["who_es"]), rng.choice(lexicon.prose["did_es"])
    when, where = rng.choice(lexicon.prose["when_es"]), rng.choice(lexicon.prose["where_es"])
    thing = rng.choice(lexicon.things)
    text = f"{who[0].upper()}{who[1:]} {did} {thing.es} {when} {where}."
    question, answer = rng.choice([("¿Quién?", who), ("¿Qué?", thing.es), ("¿Cuándo?", when), ("¿Dónde?", where)])
    return turns(text, question, answer)


TASKS: tuple[tuple[Task, float], ...] = (
    (classify, 0.30),
    (label_one, 0.10),
    (choose, 0.09),
    (same_wish, 0.03),
    (choose_by_examples, 0.02),
    (extract, 0.06),
    (reply, 0.16),
    (translate, 0.04),
    (paraphrase, 0.08),
    (compute, 0.02),
    (echo, 0.03),
    (specify, 0.03),
    (read, 0.04),
)


def draw_example(lexicon: Lexicon, rng: random.Random) -> Turns:
    """One chat example of a random task."""
    weights = [weight for _, weight in TASKS]
    task = rng.choices([task for task, _ in TASKS], weights)[0]
    return task(lexicon, rng)


def draw_prose(lexicon: Lexicon, rng: random.Random) -> str:
    """One plain paragraph in either language."""
    return prose(lexicon, rng, language=rng.choice(["es", "en"]))


__all__ = ["TASKS", "Language", "Turns", "draw_example", "draw_prose"]
