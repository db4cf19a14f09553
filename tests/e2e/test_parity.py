"""Families × quantisations through the command; weights that nobody here trained."""

import json
from pathlib import Path

import pytest

from afina.bases.load import load_base
from afina.chat.render import load_renderer
from tests.e2e.conftest import run_afina
from tests.stories import build_stories

pytestmark = pytest.mark.e2e
QUANTISATIONS = {"f32", "f16", "q8_0", "q4_0", "q4_k_m", "q5_k_m"}


def test_every_family_answers_the_same_from_every_file(folder: Path) -> None:
    """Trained a step, merged, exported six times, served, compared: tokens equal, float32 within 0.002 nats."""
    done = run_afina("parity", "--matrix", "--json", cwd=folder, timeout=600)

    assert done.returncode == 0, done.stderr[-2000:] + done.stdout[-2000:]
    report = json.loads(done.stdout)
    assert report["failed"] == 0
    assert report["families"] == 8
    assert report["max_f32_diff"] < 0.002
    assert {cell["quantisation"] for cell in report["cells"]} == QUANTISATIONS
    assert all(cell["types"].get("q4_k") for cell in report["cells"] if cell["quantisation"] == "q4_k_m")


@pytest.mark.shared
def test_a_real_pretrained_llama(shared_data: Path, folder: Path) -> None:
    """stories260K still tells its story, and tells the same from every file; its rows of 64 fall back, and the card says so."""
    stories = folder / "stories"
    build_stories(shared_data / "stories260K_llama", stories)
    ids = load_renderer(stories).tokenizer("Once upon a time, there was a little", return_tensors="pt").input_ids
    told = load_base(stories).eval()(input_ids=ids, labels=ids)

    done = run_afina("parity", "--matrix", "--family", "llama", "--model", str(stories), "--json", cwd=folder)

    assert float(told.loss.detach()) < 1.0
    assert done.returncode == 0, done.stderr[-2000:] + done.stdout[-2000:]
    cells = [cell for cell in json.loads(done.stdout)["cells"] if cell["family"] == "stories"]
    assert {cell["quantisation"] for cell in cells} == QUANTISATIONS
    assert next(cell for cell in cells if cell["quantisation"] == "q4_k_m")["types"].keys() >= {"q5_0", "f16"}
