"""A small role of a project's own, for tests with real models: notes with a title and two or three points."""

import json
from pathlib import Path
from shutil import copyfile

from afina.roles.role import packaged_folder

PRODUCTS = (
    "una agenda de citas", "un registro de vacunas", "una libreta de gastos", "un mesón de cupones", "un calendario de turnos",
    "una tienda de jabones", "un diario de lectura", "un rastreador de pallets", "una tarjeta de fidelidad", "un armador de pruebas",
    "una lista de regalos", "un monitor de cadena de frío", "un cobrador de facturas", "un planificador de rutas", "una lista de ingreso",
    "un vigilante de precios", "un portal de crédito", "una pantalla de espera", "un programa de referidos", "un registro de asistencia",
    "un mercado de artesanías", "una herramienta de encuestas",
)  # fmt: skip
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
max_tokens = 160
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
max_tokens = 160
guards = []
min_items = 3
nearest = 0

[train.training]
minutes = 0.1
"""


def note_role(project: Path) -> Path:
    """Write the role into a project's folder."""
    folder = project / "roles" / "note"
    folder.mkdir(parents=True)
    (folder / "role.toml").write_text(ROLE, "utf-8")
    (folder / "recipe.toml").write_text(RECIPE, "utf-8")
    (folder / "schema.json").write_text(json.dumps(SCHEMA))
    copyfile(packaged_folder() / "ba" / "concepts.toml", folder / "concepts.toml")
    rows = [
        {
            "id": f"note-{at:02d}",
            "language": "es",
            "domain": "fintech",
            "input": f"Concepto: {product.capitalize()} para el barrio, con avisos y un resumen cada mes.",
            "answer": {
                "title": f"Nota: {product}"[:40],
                "points": [
                    {"id": "P001", "text": f"Avisos para quien usa {product}"[:60]},
                    {"id": "P002", "text": "Un resumen cada mes, para el barrio"},
                ],
            },
        }
        for at, product in enumerate(PRODUCTS, start=1)
    ]
    (folder / "seeds.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return folder
