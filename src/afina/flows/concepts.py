"""`afina concepts`: what a role is asked about, with and without a model."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import Field

from afina.chat.parse import read_json
from afina.errors import InputError
from afina.files.forms import Form, Identity, Text, read_forms
from afina.files.rows import as_lines
from afina.flows.boot import answering_place
from afina.flows.role_model import Ask, RoleModel
from afina.flows.role_space import RoleSpace
from afina.flows.tune_prompt import parted_seeds
from afina.progress import Tell, unheard
from afina.records import Turn
from afina.roles.artifacts import questions_of
from afina.roles.checks import read_answer
from afina.runtime import Drawn
from afina.store.paths import write_whole
from afina.synth.concepts import (
    IDEAS,
    Concept,
    Source,
    Wanted,
    imagine_concepts,
    make_concepts,
    read_grids,
)

IDEAS_TOKENS, IDEAS_TEMPERATURE = 600, 0.9
LONGEST_WORDS = 1000
"""Words of a concept: two pages. In Spanish they are 2,200 tokens of an English base, beside 550 of instructions, shown examples and an answer
of 900 in a context of 4,096.
"""
LEAST_WORDS = 2
UNPARTED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
"""Letters of languages that part no words with blanks: Thai, Lao, Burmese, Khmer, Japanese, Chinese."""
SHOWN = 80
"""Characters of another role's answer by which a question is known again."""


class ConceptRow(Form):
    """A line of a file of concepts: of ours, or a user's own."""

    id: Identity = Field("")
    text: Text = Field(min_length=1)
    language: str = "en"
    domain: str = ""
    complexity: str = ""
    audience: str = ""
    made_by: str = "file"
    seed: str = ""
    asked: str = ""


def sources_of(space: RoleSpace) -> list[Source]:
    """The authored concepts that others may be varied from: those that are not held out."""
    seen, _ = parted_seeds(space.role.seeds())
    return [
        Source(id=one.id, text=plain_concept(one.question), language=one.language, domain=one.domain) for one in seen
    ]


def plain_concept(question: str) -> str:
    """A question without the word before it."""
    for word in ("Concept:", "Concepto:"):
        question = question.removeprefix(word)
    return question.strip()


def new_concepts(
    space: RoleSpace, wanted: Wanted, model: RoleModel | None = None, tell: Tell = unheard
) -> tuple[list[Concept], Counter[str]]:
    """Concepts, none a near copy of another, and why some of a model's were refused.

    Raises:
        SettingsError: the role has no `concepts.toml`. InputError: there are not words enough.
    """
    grids = read_grids(space.role.folder / "concepts.toml")
    sources = [one for one in sources_of(space) if one.language in wanted.languages]
    if model is None:
        return make_concepts(grids, sources, wanted), Counter()

    found, refused = 0, Counter[str]()

    def ideas(asked: str, seed: int) -> Sequence[str]:
        nonlocal found
        turns = (Turn("user", asked),)
        reply = model.ask(Ask(turns=turns, max_tokens=IDEAS_TOKENS, schema=IDEAS, drawn=Drawn(IDEAS_TEMPERATURE, seed)))
        refused.update([reply.error] if reply.error else [])
        read = read_json(reply.text)
        said = read.get("concepts") if isinstance(read, dict) else None
        texts = [one for one in said if isinstance(one, str)] if isinstance(said, list) else []
        found += len(texts)
        tell(min(found, wanted.count), wanted.count, "")
        return texts

    if not sources:
        raise InputError(
            f"no authored example in {', '.join(wanted.languages)} to start from", remedy="or without --model"
        )
    concepts, reasons = imagine_concepts(grids, sources, wanted, ideas)
    return concepts, reasons + refused


def write_concepts(path: Path, concepts: Sequence[Concept]) -> None:
    """As JSON Lines."""
    write_whole(path, as_lines([one.row() for one in concepts]))


def read_concepts(path: Path) -> list[Concept]:
    """A file of concepts.

    Raises:
        InputError: names line and key; a concept of one word says nothing, one of many pages is none.
    """
    found, known = list[Concept](), set[str]()
    for at, (where, row) in enumerate(read_forms(ConceptRow, path), start=1):
        if not row.asked:
            require_concept(row.text, where)
        found.append(Concept(**{**row.model_dump(), "id": row.id or f"c{at:04d}"}))
        if found[-1].id in known:
            raise InputError(f"{where}: the id {found[-1].id!r} is there twice")
        known.add(found[-1].id)
    return found


def require_concept(text: str, where: str) -> None:
    """Refuse what is no concept, before a model is asked.

    Raises:
        InputError: it has one word, or thousands.
    """
    count = len(UNPARTED.findall(text)) + len(UNPARTED.sub(" ", text).split())
    if count < LEAST_WORDS:
        raise InputError(
            f"{where}: the concept {text.strip()[:40]!r} is {count or 'no'} word{'' if count == 1 else 's'}",
            remedy="say in a sentence what the product is, who uses it and what it must do",
        )
    if count > LONGEST_WORDS:
        raise InputError(
            f"{where}: the concept has {count} words, at most {LONGEST_WORDS} are read",
            remedy="a summary of a page; what belongs to one part only can become a concept of its own",
        )


class ExampleRow(Form):
    """A line of a role's examples."""

    id: Identity
    expected: Text


def read_inputs(text: str) -> tuple[str, Path]:
    """`ROLE=FILE`.

    Raises:
        InputError: it is something else.
    """
    role, equals, file = text.partition("=")
    if not equals or not role or not file:
        raise InputError(
            f"--inputs {text!r} is not ROLE=FILE", remedy="e.g. ba=.afina/roles/ba/synthetic/examples.jsonl"
        )
    return role, Path(file)


def questions_from(space: RoleSpace, files: Mapping[str, Path]) -> list[Concept]:
    """What a role is asked, made of what the roles that it reads wrote: examples of one id belong together.

    Raises:
        InputError: a role's file is missing or malformed, or no id is in all of them.
    """
    role = space.role
    read = dict.fromkeys(one.role for one in role.form.reads)
    if missing := [name for name in read if name not in files]:
        raise InputError(
            f"{role.name} reads what {missing[0]} writes",
            remedy=f"--inputs {missing[0]}=EXAMPLES, or first: afina bootstrap {missing[0]}",
        )
    found = {name: {row.id: row.expected for _, row in read_forms(ExampleRow, files[name])} for name in read}
    first, *others = found.values()
    concepts = []
    for identity in (one for one in first if all(one in other for other in others)):
        artifacts = {name: read_answer(rows[identity]) for name, rows in found.items()}
        if not all(isinstance(artifact, dict) for artifact in artifacts.values()):
            continue
        asked = questions_of(role, artifacts)
        names = [identity] if len(asked) == 1 else [f"{identity}.{at}" for at in range(1, len(asked) + 1)]
        concepts += [role_concept(name, question) for name, question in zip(names, asked, strict=True)]
    if not concepts:
        raise InputError(f"no example is in all of {', '.join(str(files[name]) for name in read)}")
    return concepts


def role_concept(identity: str, question: str) -> Concept:
    """A question made of another role's answer."""
    return Concept(
        id=identity,
        text=question[:SHOWN],
        language="",
        domain="",
        complexity="",
        audience="",
        made_by="role",
        asked=question,
    )


def upstream_files(space: RoleSpace) -> dict[str, Path]:
    """The newest examples that the bootstraps of the roles before this one left: those whose models answer."""
    found = {}
    for name in dict.fromkeys(one.role for one in space.role.form.reads):
        role = space.paths.role(name)
        files = sorted((role / answering_place(role)).glob("examples-*.jsonl"))
        if files:
            found[name] = files[-1]
    return found


def questions_for(
    space: RoleSpace, wanted: Wanted, inputs: Mapping[str, Path] | None = None, tell: Tell = unheard
) -> list[Concept]:
    """What a role is asked: concepts, or what the roles before it wrote.

    Raises:
        InputError, SettingsError: see `new_concepts` and `questions_from`.
    """
    if space.role.form.reads:
        return questions_from(space, {**upstream_files(space), **(inputs or {})})[: wanted.count]
    return new_concepts(space, wanted, tell=tell)[0]
