"""A small role of a project's own, for tests with real models: notes with a title and two or three points."""

import json
from pathlib import Path
from shutil import copyfile, copytree, rmtree

import click
from click.testing import CliRunner

from afina.roles.role import packaged_folder
from afina.synth.concepts import Wanted, make_concepts, read_grids

SEEDS = 22
SCHEMA = {
    "type": "object",
    "properties": {
        "title": {"type": "string", "minLength": 5, "maxLength": 40},
        "points": {
            "type": "array",
            "minItems": 2,
            "maxItems": 3,
            "items": {
                "type": "object",
                "properties": {
                    "id": {"type": "string", "pattern": "^P[0-9]{3}$"},
                    "text": {"type": "string", "minLength": 15, "maxLength": 60},
                },
                "required": ["id", "text"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["title", "points"],
    "additionalProperties": False,
}
ROLE = """\
about = "Notes: a concept → a title and its points"
writes = "note.yaml"
artifact = "note"

[generation]
temperature = 0.8
max_tokens = 300
timeout = 60
"""
RECIPE = """\
about = "A concept → a note"

[task]
name = "note"
kind = "structured"
answer_schema = "schema.json"
metrics = ["role_score"]
prompt = "Escribe la nota."
instructions = "Escribe una nota con título y puntos sobre el concepto."

[freeze]
test_share = 0.3
min_examples = 10

[evaluate]
max_tokens = 300
guards = []
min_items = 3
nearest = 0

[train.training]
minutes = 0.1
"""


def said(command: click.Command, *arguments: str) -> str:
    """What a command prints that ends well."""
    done = CliRunner().invoke(command, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def note_role(project: Path) -> Path:
    """Write the role into a project's folder."""
    folder = project / "roles" / "note"
    folder.mkdir(parents=True)
    (folder / "role.toml").write_text(ROLE, "utf-8")
    (folder / "recipe.toml").write_text(RECIPE, "utf-8")
    (folder / "schema.json").write_text(json.dumps(SCHEMA))
    copyfile(packaged_folder() / "ba" / "concepts.toml", folder / "concepts.toml")
    concepts = make_concepts(read_grids(folder / "concepts.toml"), (), Wanted(count=SEEDS, languages=("es",), seed=99))
    rows = [
        {
            "id": f"note-{at:02d}",
            "language": "es",
            "domain": concept.domain,
            "input": concept.question,
            "answer": {
                "title": f"Nota {at}: {concept.audience}"[:40],
                "points": [
                    {"id": "P001", "text": f"Pensada para {concept.audience}"[:60]},
                    {"id": "P002", "text": concept.text[:60]},
                ],
            },
        }
        for at, concept in enumerate(concepts, start=1)
    ]
    (folder / "seeds.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return folder


LINKS = {
    "ba": ("requirements", ""),
    "po": ("product", "ba"),
    "architect": ("architecture", "po"),
    "dev": ("code", "architect"),
    "qa": ("tests", "ba"),
}
"""Role → its file, and whose it reads."""


def small_chain(project: Path) -> None:
    """The five roles of the chain as notes, which the built-in base can write; a project's own stand in for the packaged ones."""
    note = note_role(project)
    for name, (file, before) in LINKS.items():
        folder = copytree(note, project / "roles" / name)
        reads = f'reads = [{{ role = "{before}", label = "note" }}]\n' if before else ""
        (folder / "role.toml").write_text(
            ROLE.replace("note.yaml", f"{file}.yaml").replace("\n[generation]", f"{reads}\n[generation]"), "utf-8"
        )
    rmtree(note)
