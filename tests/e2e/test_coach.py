"""The coach of document 002, end to end: authored conversations at two intensities → a version → replies in a person's manner, held to the rules."""

import json
from pathlib import Path

import httpx
import pytest

from afina.store.paths import Paths
from tests.conftest import remove_cluster
from tests.e2e.test_kinds import done, serving

pytestmark = pytest.mark.e2e
SETTINGS = """
recipe = "coach"
[task]
name = "coach"
[base]
model = "{model}"
[train.lora]
r = 4
lora_alpha = 8
[train.training]
num_epochs = 1
batch_size = 16
learning_rate = 1e-3
max_seq_length = 512
threads = 2
[evaluate]
guards = []
nearest = 0
min_items = 2
max_tokens = 16
must_beat_baselines = false
[runtime]
context = 768
slots = 2
"""
SPENT = ("supermercado", "transporte", "arriendo", "cuentas", "salud", "educación", "ocio", "deudas")


def chat(number: int) -> dict[str, object]:
    """One conversation: the same figures, said warmly or soberly."""
    category, amount = SPENT[number % len(SPENT)], f"${12 + number}.{100 + 7 * number:03d}"
    warm = number % 2
    system = f"Eres Gus, coach financiero.\nlocale=es-CL intensity={0.9 if warm else 0.2:g} tone=coach"
    answer = f"Anoté {amount} en {category}."
    return {
        "id": f"c{number}",
        "user": f"u{number}",
        "messages": [
            {"role": "system", "content": system},
            {"role": "user", "content": f"gasté {amount} en {category}, ¿lo anotas? ({number})"},
            {"role": "assistant", "content": f"¡Bien hecho! {answer} 💪" if warm else answer},
            {"role": "user", "content": "perfecto, gracias"},
        ],
    }


def test_a_coach_is_learnt_served_and_held_to_the_rules(tmp_path: Path, tiny_model: Path) -> None:
    """The recipe's own rules apply; what a person set is in force; everything is recorded under the task."""
    (tmp_path / "afina.toml").write_text(SETTINGS.format(model=tiny_model), "utf-8")
    rows = "".join(json.dumps(chat(number), ensure_ascii=False) + "\n" for number in range(64))
    (tmp_path / "conversations.jsonl").write_text(rows, "utf-8")
    try:
        assert done("import", "conversations.jsonl", cwd=tmp_path)["added"] > 0
        assert done("curate", cwd=tmp_path)["kept"] >= 60
        done("freeze", cwd=tmp_path)
        done("train", cwd=tmp_path)
        version = done("export", cwd=tmp_path)
        assert done("release", "--direct", cwd=tmp_path)["state"] == "production"
        with serving(tmp_path) as url, httpx.Client(base_url=url, timeout=60) as http:
            person = http.patch("/v1/users/ana", json={"intensity": 0.9, "tone": "coach", "locale": "es-CL"}).json()
            said = {"text": "gasté $9.990 en ocio", "user": "ana", "user_state": {"ahorro": 20000}, "max_tokens": 24}
            reply = http.post("/style/reply", json=said)
            free = http.post("/ask", json={"text": "¿qué es la UF?", "user": "ana", "max_tokens": 24})

        assert person["intensity"] == 0.9
        assert (reply.status_code, free.status_code) == (200, 200)
        assert reply.headers["x-afina-model"] == version["name"]
        assert set(reply.json()) == {"text", "findings", "model", "interaction"}
        status = done("status", cwd=tmp_path)
        assert status["answers"]["here"] == 2
        assert status["task"] == "coach"
    finally:
        remove_cluster(Paths(tmp_path).database)
