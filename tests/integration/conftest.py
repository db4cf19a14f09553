"""Small models of real families as files, each built and converted once for the whole run."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from afina.bases.families import build_family
from afina.export.export import Conversion, convert
from afina.export.quantise import quantise
from afina.runtime.renderer import renderer_of

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
