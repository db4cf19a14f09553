"""The wheel on a GGUF: trained where it lies, judged and served as an adapter on it."""

from pathlib import Path

import pytest

from afina.flows.collect import import_file
from afina.flows.curate import curate_project
from afina.flows.evaluate import evaluate_version
from afina.flows.export import base_version, export_run
from afina.flows.freeze import freeze_project
from afina.flows.project import Project, folder_project
from afina.flows.train import plan_training, train_run
from afina.progress import Silent, Stages
from afina.runtime import Served, served_of
from afina.settings import make_settings
from tests.integration.conftest import FamilyFile
from tests.integration.flows.test_wheel import write_sample


@pytest.fixture
def on_gguf(family_file: FamilyFile, tmp_path: Path) -> Project:
    """A folder whose base is a file in few bits."""
    quick = {"num_epochs": 1, "batch_size": 16, "gradient_accumulation_steps": 1, "learning_rate": 5e-3}
    settings = make_settings(
        {
            "base": {"model": str(family_file("qwen2", "q4_0"))},
            "train": {"lora": {"r": 8}, "training": quick},
            "evaluate": {"guards": [], "nearest": 0},
            "task": {"fields": ["topic"]},
        }
    )
    return folder_project(tmp_path / "work", settings, name="topics")


def test_a_version_is_an_adapter_on_the_file(on_gguf: Project, family_file: FamilyFile, tmp_path: Path) -> None:
    """Base version and tuned version are served from the same weights; nothing is copied, the file stays as it was."""
    project, stages, base = on_gguf, Stages(Silent()), family_file("qwen2", "q4_0")
    before = base.read_bytes()
    import_file(project, write_sample(tmp_path / "c.csv"), stages)
    curate_project(project, stages)
    dataset = freeze_project(project, stages)
    run = plan_training(project, dataset)
    train_run(project, run, stages, resume=False)

    version = export_run(project, stages, run=run)
    entry, _ = evaluate_version(project, version, stages)
    untuned = base_version(project, dataset)

    tuned_file, base_file = (project.paths.data / one.gguf for one in (version, untuned))
    assert served_of(tuned_file) == Served(base, tuned_file)
    assert served_of(base_file) == Served(base)
    assert version.id in tuned_file.name
    assert tuned_file.stat().st_size < len(before) / 4
    assert (version.quantisation, entry["quantisation"], version.card["form"]) == ("q4_0", "q4_0", "adapter")
    assert entry["tuned"]["n"] == len(dataset.test)
    assert base.read_bytes() == before
