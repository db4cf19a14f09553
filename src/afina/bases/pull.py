"""Fetches a base model: from a hub, or from a folder that is laid out like one (`FOLDER/org/name/`).

Only what training and export need is taken: safetensors, configuration, tokenizer, licence; never pickles. An interrupted
pull goes on where it stopped; what arrived is compared with its checksum before it gets its name.
"""

import os
import shutil
from collections.abc import Callable
from fnmatch import fnmatch
from hashlib import sha256
from pathlib import Path

import yaml
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

from afina.errors import ModelError
from afina.store.paths import MANIFEST, disk_errors, write_json

WANTED = (
    "*.safetensors", "*.safetensors.index.json", "config.json", "generation_config.json", "tokenizer*.json",
    "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt", "tokenizer.model", "*.jinja",
    "gguf_pre.txt", "LICENSE*", "README.md",
)  # fmt: skip
CHUNK = 1 << 20
SUMS = "SHA256SUMS"
Say = Callable[[int, int, str], None]


def home() -> Path:
    """Where pulled models lie when they did not come from the hub itself: `AFINA_HOME`, or the user's cache."""
    return Path(os.environ.get("AFINA_HOME") or Path.home() / ".cache" / "afina") / "bases"


def pulled_folder(name: str) -> Path | None:
    """The folder of a model that was pulled from a folder, if it is whole."""
    folder = home() / name.replace("/", "--")
    return folder if (folder / MANIFEST).is_file() else None


def pull_hub(name: str) -> Path:
    """Fetch from the hub into its own cache, which resumes and checks.

    Raises:
        ModelError: no such model, or no network; says what to do.
    """
    try:
        return Path(snapshot_download(name, allow_patterns=list(WANTED)))
    except HFValidationError as exc:
        raise ModelError(f"{name}: not a model's name (ORGANISATION/NAME)") from exc
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as exc:
        status = getattr(getattr(exc, "response", None), "status_code", None)
        if status in {401, 403, 404}:
            raise ModelError(
                f"{name}: the hub has no such model, or asks for an account ({status})",
                remedy="check the spelling; for a gated model download it in a browser and name the folder",
            ) from exc
        raise ModelError(
            f"{name}: the hub cannot be reached ({type(exc).__name__})",
            remedy=f"where there is a network run `afina base pull {name}`, copy the folder it prints here and name that "
            "folder as the base, or `afina base pull --from FOLDER`; without any model `semilla` works",
        ) from exc


def pull_folder(name: str, source: Path, *, check: Callable[[Path], None], say: Say = lambda *_: None) -> Path:
    """Copy `source/NAME` with resume and checksums; `check` looks into the copy before it counts as whole.

    `SHA256SUMS` in the source, where there is one, is believed; otherwise both sides are read and compared.

    Raises:
        ModelError: not there, or a file does not have its checksum.
    """
    origin = source / name
    if not origin.is_dir():
        raise ModelError(
            f"{origin}: no such folder", remedy="the folder must be laid out like a hub: FOLDER/ORGANISATION/NAME"
        )
    out = home() / name.replace("/", "--")
    files = sorted(f for f in origin.iterdir() if f.is_file() and any(fnmatch(f.name, kind) for kind in WANTED))
    sums = read_sums(origin / SUMS)
    here = {file.name for file in files}
    absent = [name for name in sorted(sums) if name not in here and any(fnmatch(name, kind) for kind in WANTED)]
    if absent or not files:
        raise ModelError(
            f"{origin}: {absent[0] if absent else 'no model file'} is missing", remedy="complete the source"
        )
    with disk_errors(out):
        out.mkdir(parents=True, exist_ok=True)
        (out / MANIFEST).unlink(missing_ok=True)  # from here on the folder is not whole until the new manifest is there
        for old in out.iterdir():
            if old.name.removesuffix(".part") not in here:
                old.unlink()
        for number, file in enumerate(files):
            say(number, len(files), file.name)
            copy(file, out / file.name, expected=sums.get(file.name))
        check(out)
        write_json(out / MANIFEST, {"name": name, "files": [file.name for file in files]})
    say(len(files), len(files), "")
    return out


def read_sums(file: Path) -> dict[str, str]:
    """`sha256sum`'s lines: checksum by file name."""
    if not file.is_file():
        return {}
    pairs = [line.split(maxsplit=1) for line in file.read_text("utf-8").splitlines() if line.strip()]
    wrong = next((number for number, pair in enumerate(pairs, start=1) if len(pair) != 2), None)
    if wrong:
        raise ModelError(f"{file}, line {wrong}: not a checksum and a name", remedy="write it with sha256sum")
    return {name.lstrip("*").removeprefix("./"): digest.lower() for digest, name in pairs}


def copy(origin: Path, out: Path, *, expected: str | None) -> None:
    """One file: go on behind what is there, compare, then give it its name.

    Raises:
        ModelError: the checksum differs; the copy is removed.
    """
    wanted = expected or digest(origin)
    if out.is_file() and digest(out) == wanted:
        return
    partial = out.with_name(f"{out.name}.part")
    with origin.open("rb") as source, partial.open("ab") as sink:
        if partial.stat().st_size > origin.stat().st_size:
            sink.truncate(0)
        source.seek(sink.seek(0, os.SEEK_END))
        shutil.copyfileobj(source, sink, CHUNK)
    if digest(partial) != wanted:
        partial.unlink()
        raise ModelError(f"{origin}: the checksum differs, the copy was removed", remedy="pull again; check the source")
    partial.replace(out)


def digest(file: Path) -> str:
    """SHA-256 of a file."""
    found = sha256()
    with file.open("rb") as source:
        while chunk := source.read(CHUNK):
            found.update(chunk)
    return found.hexdigest()


def licence(folder: Path) -> str:
    """What a model's card or licence file says of its licence."""
    card = folder / "README.md"
    if card.is_file():
        parts = card.read_text("utf-8", errors="replace").split("---", 2)
        if len(parts) == 3 and not parts[0].strip():
            try:
                said = yaml.safe_load(parts[1]) or {}
            except yaml.YAMLError:
                said = {}
            if isinstance(said, dict) and said.get("license"):
                return str(said.get("license_name") or said["license"])
    for file in sorted(folder.glob("LICENSE*")):
        first = next(
            (line.strip() for line in file.read_text("utf-8", errors="replace").splitlines() if line.strip()), ""
        )
        return f"{file.name}: {first}"
    return ""
