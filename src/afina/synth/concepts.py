"""Concepts: what a role is asked about, many and different. From a grid of words without a model, from seeds, or by a model.

No two are near copies. Seeds that are held out give no concepts: an evaluation must not be known to a training.
"""

import random
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from itertools import cycle
from pathlib import Path
from string import Formatter
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from afina.errors import InputError, SettingsError, first_problem
from afina.likeness import grams
from afina.sameness import message_key, words

DOMAINS = ("fintech", "healthcare", "ecommerce", "education", "logistics", "hr", "marketing")
"""Document 001's."""
COMPLEXITIES = ("simple", "standard", "enterprise")
NEAR = 0.8
"""Jaccard index of 5-grams from which two concepts are one."""
LEAST_WORDS = 4
"""Words of an idea: a server that nothing binds may say less."""
TRIES = 200
"""Draws in a row without anything new after which a grid is taken for used up."""
MOST_VARIED = 0.5
"""Share of the concepts that may be variations of seeds."""
VARIATIONS = (3, 5)
"""Of each seed, document 001's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Concept:
    """One, with what it was drawn from. `made_by`: grid, seed, model, file or role.

    `asked`: the whole question, where it is not a concept that a role is asked about but what another role wrote.
    """

    id: str
    text: str
    language: str
    domain: str
    complexity: str
    audience: str
    made_by: str
    seed: str = ""
    asked: str = ""

    @property
    def question(self) -> str:
        """As the role is asked."""
        return self.asked or question_of(self.text, self.language)

    def row(self) -> dict[str, str]:
        """As a line of a file."""
        return asdict(self)


def question_of(text: str, language: str) -> str:
    """A concept as the role is asked, with document 001's word before it."""
    return f"{'Concepto' if language == 'es' else 'Concept'}: {text}"


class Words(BaseModel):
    """A domain's words."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    products: tuple[str, ...] = Field(min_length=2)
    audiences: tuple[str, ...] = Field(min_length=2)
    needs: tuple[str, ...] = Field(min_length=3)


TEMPLATE_WORDS = ("product", "audience", "need", "second")


class Grid(BaseModel):
    """A language's words: templates with {product}, {audience}, {need}, {second}; sentences by complexity; words by domain."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    templates: tuple[str, ...] = Field(min_length=1)
    scales: dict[str, tuple[str, ...]]
    domains: dict[str, Words] = Field(min_length=1)

    @field_validator("templates")
    @classmethod
    def known_words(cls, templates: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse a word in braces that nothing stands for.

        Raises:
            ValueError: names it.
        """
        for template in templates:
            for _, name, _, _ in Formatter().parse(template):
                if name is not None and name not in TEMPLATE_WORDS:
                    raise ValueError(f"`{name}` is none of {', '.join(TEMPLATE_WORDS)}: {template[:60]}")
        return templates


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How many concepts of which languages and domains."""

    count: int
    languages: tuple[str, ...]
    domains: tuple[str, ...] = DOMAINS
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A text that concepts are varied from."""

    id: str
    text: str
    language: str
    domain: str


def read_grids(path: Path) -> dict[str, Grid]:
    """Language → its grid.

    Raises:
        SettingsError: missing or malformed; names the key.
    """
    try:
        return {name: Grid.model_validate(found) for name, found in tomllib.loads(path.read_text("utf-8")).items()}
    except FileNotFoundError as exc:
        raise SettingsError(
            f"{path}: no such file",
            remedy="this role is asked what others wrote: afina synth or tune-prompt, with --inputs ROLE=EXAMPLES",
        ) from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise SettingsError(f"{path}: {exc}") from exc
    except ValidationError as exc:
        key, reason = first_problem(exc.errors(include_url=False))
        raise SettingsError(f"{path}: `{key}`: {reason}") from exc


class Gathered:
    """Concepts so far, each unlike all others."""

    def __init__(self) -> None:
        self.found: list[Concept] = []
        self.grams: list[set[str]] = []
        self.refused: Counter[str] = Counter()

    def take(self, concept: Concept) -> bool:
        """Whether it was new."""
        own = grams(concept.text)
        if any(len(own & other) >= NEAR * len(own | other) for other in self.grams):
            self.refused["a near copy"] += 1
            return False
        self.found.append(concept)
        self.grams.append(own)
        return True


def make_concepts(grids: dict[str, Grid], sources: Sequence[Source], wanted: Wanted) -> list[Concept]:
    """Concepts without a model: 3 to 5 variations of every source, the rest from the grid, languages and domains in turn.

    Raises:
        InputError: the grid lacks a language or a domain, or has too few words; says how many there are.
    """
    require_words(grids, wanted)
    rng, gathered = random.Random(wanted.seed), Gathered()
    for source in (one for one in sources if one.domain in wanted.domains):
        for text, complexity in varied(source, grids, rng):
            if len(gathered.found) < wanted.count * MOST_VARIED:
                gathered.take(
                    Concept(
                        id="",
                        text=text,
                        language=source.language,
                        domain=source.domain,
                        complexity=complexity,
                        audience="",
                        made_by="seed",
                        seed=source.id,
                    )
                )
    cells = cycle([(language, domain) for domain in wanted.domains for language in wanted.languages])
    tries = 0
    while len(gathered.found) < wanted.count:
        language, domain = next(cells)
        tries = 0 if gathered.take(drawn(grids[language], (language, domain), rng)) else tries + 1
        if tries > TRIES:
            raise InputError(
                f"the grid has words for {len(gathered.found)} different concepts, {wanted.count} were asked for",
                remedy="add words to the role's concepts.toml, or let a model write them: --model",
            )
    rng.shuffle(gathered.found)  # whoever takes the first ones gets some of each kind
    return numbered(gathered.found)


def require_words(grids: dict[str, Grid], wanted: Wanted) -> None:
    """Make sure that every language and domain has words.

    Raises:
        InputError: names what is missing.
    """
    if not wanted.domains or not wanted.languages:
        raise InputError("no domain and language to make concepts for", remedy="--domains hr,marketing")
    for language in wanted.languages:
        if language not in grids:
            raise InputError(f"no concepts in {language!r}", remedy=f"there are {', '.join(grids)}")
        if missing := [domain for domain in wanted.domains if domain not in grids[language].domains]:
            raise InputError(
                f"no words for the domain {missing[0]!r} in {language!r}",
                remedy=f"there are {', '.join(grids[language].domains)}",
            )


def numbered(concepts: Sequence[Concept]) -> list[Concept]:
    """With ids that count, and say what was asked: answers to different concepts of one number do not belong together."""
    marks = [blake2b(one.text.encode(), digest_size=3).hexdigest() for one in concepts]
    return [replace(one, id=f"c{at:04d}-{mark}") for at, (one, mark) in enumerate(zip(concepts, marks, strict=True), 1)]


def drawn(grid: Grid, cell: tuple[str, str], rng: random.Random) -> Concept:
    """A concept of a language and a domain."""
    language, domain = cell
    own = grid.domains[domain]
    need, second = rng.sample(own.needs, 2)
    complexity, audience = rng.choice(sorted(grid.scales)), rng.choice(own.audiences)
    text = rng.choice(grid.templates).format(
        product=rng.choice(own.products), audience=audience, need=need, second=second
    )
    return Concept(
        id="",
        text=sentence(f"{text} {rng.choice(grid.scales[complexity])}"),
        language=language,
        domain=domain,
        complexity=complexity,
        audience=audience,
        made_by="grid",
    )


def sentence(text: str) -> str:
    """With a capital at its beginning and no blanks around it."""
    plain = " ".join(text.split())
    return plain[:1].upper() + plain[1:]


def varied(source: Source, grids: dict[str, Grid], rng: random.Random) -> Iterator[tuple[str, str]]:
    """A source's concept for other audiences, with another need, on other scales: (text, complexity)."""
    grid = grids.get(source.language)
    if grid is None or source.domain not in grid.domains:
        return
    own = grid.domains[source.domain]
    told = (
        "Ahora para {audience}, y además {need}." if source.language == "es" else "Now for {audience}, and also {need}."
    )
    for _ in range(rng.randint(*VARIATIONS)):
        complexity = rng.choice(sorted(grid.scales))
        change = told.format(audience=rng.choice(own.audiences), need=rng.choice(own.needs))
        yield sentence(f"{source.text} {change} {rng.choice(grid.scales[complexity])}"), complexity


ASKED = (
    "Write {count} new ideas for software products in the domain {domain}, in {language}. Each is one or two sentences that name the "
    "product, its users and what it must do; audience: {audience}; complexity: {complexity}. Be unlike this one: {example}"
)
IDEAS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "concepts": {
            "type": "array",
            "minItems": VARIATIONS[0],
            "maxItems": VARIATIONS[1],
            "items": {"type": "string", "minLength": 40, "maxLength": 300},
        }
    },
    "required": ["concepts"],
    "additionalProperties": False,
}
"""What binds a model's ideas."""
LANGUAGES = {"en": "English", "es": "Spanish"}
Ideas = Callable[[str, int], Sequence[str]]
"""(what to ask, seed) → a model's ideas; none where its answer was no list of them."""


def imagine_concepts(
    grids: dict[str, Grid], sources: Sequence[Source], wanted: Wanted, ideas: Ideas
) -> tuple[list[Concept], Counter[str]]:
    """Concepts by a model, from each source in turn with another domain, complexity and audience; and why others were refused.

    What a model repeats or gets wrong is refused and counted; when it has nothing new any more the rest comes from the grid.
    """
    require_words(grids, wanted)
    rng, gathered = random.Random(wanted.seed), Gathered()
    fruitless = 0
    for turn, source in enumerate(cycle(sources)):
        if len(gathered.found) >= wanted.count or fruitless > len(sources):
            break
        language, domain = wanted.languages[turn % len(wanted.languages)], wanted.domains[turn % len(wanted.domains)]
        complexity = COMPLEXITIES[turn % len(COMPLEXITIES)]
        audience = rng.choice(grids[language].domains[domain].audiences)
        asked = ASKED.format(
            count=VARIATIONS[1],
            domain=domain,
            language=LANGUAGES.get(language, language),
            audience=audience,
            complexity=complexity,
            example=source.text,
        )
        before = len(gathered.found)
        new = [one for one in ideas(asked, wanted.seed + turn) if len(one.split()) >= LEAST_WORDS]
        for text in new[: wanted.count - before]:
            gathered.take(
                Concept(
                    id="",
                    text=sentence(text),
                    language=language,
                    domain=domain,
                    complexity=complexity,
                    audience=audience,
                    made_by="model",
                    seed=source.id,
                )
            )
        fruitless = fruitless + 1 if len(gathered.found) == before else 0
    missing = wanted.count - len(gathered.found)
    if missing:
        for one in make_concepts(grids, (), Wanted(**{**asdict(wanted), "count": missing})):
            gathered.take(one)
    return numbered(gathered.found), gathered.refused


def diversity(concepts: Sequence[Concept]) -> dict[str, float | int]:
    """How different they are: `unique` is the share that is no near copy of an earlier one, `distinct_2` of the word pairs that of
    different ones (Li and others 2016), `domains` how many there are.
    """
    kept = Gathered()
    unique = sum(kept.take(one) for one in concepts)
    pairs = [pair for one in concepts for pair in zip(words(one.text), words(one.text)[1:], strict=False)]
    return {
        "concepts": len(concepts),
        "unique": round(unique / len(concepts), 4) if concepts else 0.0,
        "distinct": len({message_key(one.text) for one in concepts}),
        "distinct_2": round(len(set(pairs)) / len(pairs), 4) if pairs else 0.0,
        "domains": len({one.domain for one in concepts}),
        "languages": len({one.language for one in concepts}),
    }
