"""Small models of real families as files, each built and converted once for the whole run."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from afina.bases.families import build_family
from afina.export.export import Conversion, convert
from afina.export.quantise import quantise
from afina.flows.collect import import_file
from afina.flows.curate import curate_project
from afina.flows.freeze import freeze_project
from afina.flows.project import Project
from afina.ids import ModelVersionId
from afina.progress import Silent, Stages
from afina.records import ModelVersion, Rollout, RunState
from afina.runtime.renderer import renderer_of
from tests.integration.people import write_people
from tests.integration.users import FakeClock, two_versions

FamilyFolder = Callable[[str], Path]
FamilyFile = Callable[[str, str], Path]


@pytest.fixture(scope="session")
def family_folder(tmp_path_factory: pytest.TempPathFactory) -> FamilyFolder:
    """The Hugging Face folder of a family's small model, by the family's name."""
    root = tmp_path_factory.mktemp("families")

    @cache
    def folder(name: str) -> Path:
        build_family(name, root / name)
        return root / name

    return folder


@pytest.fixture(scope="session")
def family_file(family_folder: FamilyFolder) -> FamilyFile:
    """Its GGUF, by the family's name and a quantisation."""

    @cache
    def file(name: str, kind: str) -> Path:
        folder = family_folder(name)
        out = folder.with_name(f"{name}-{kind}.gguf")
        if kind == "f32":
            convert(folder, out, Conversion(name=name, end=renderer_of(folder).end_id(), of=folder))
        else:
            quantise(file(name, "f32"), out, quantisation=kind)
        return out

    return file


@pytest.fixture
def people(project: Project, tmp_path: Path) -> Project:
    """Messages of forty people, curated, frozen, with a version trained on them (its run is only written down)."""
    stages = Stages(Silent())
    import_file(project, write_people(tmp_path / "c.csv"), stages)
    curate_project(project, stages)
    dataset = freeze_project(project, stages)
    run = project.ledger.plan_run(dataset=dataset.id, base="semilla", config={})
    project.ledger.move_run(run, RunState.RUNNING)
    project.ledger.move_run(run, RunState.DONE)
    version = ModelVersion(
        id=ModelVersionId("mod_1"),
        name="v1",
        task=project.task.name,
        base="semilla",
        gguf="x",
        quantisation="q8_0",
        run=run,
    )
    project.ledger.add_version(version)
    return project


@pytest.fixture
def clock() -> FakeClock:
    """It stands."""
    return FakeClock()


@pytest.fixture
def canary(project: Project, clock: FakeClock) -> Rollout:
    """v1 in production, v2 as a canary for a fifth of the users."""
    return two_versions(project, clock)
