"""A base's name → where it lies: the built-in one, a GGUF, a folder, a model of Ollama's, of a package, or pulled from a hub."""

from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

from afina.bases import ollama, semilla
from afina.bases.folder import check_folder
from afina.bases.packages import package_gguf, package_of
from afina.bases.pull import pulled_folder
from afina.bases.shards import joined
from afina.errors import ModelError

GGUF = ".gguf"
FORMS = "a .gguf file, a model folder, ollama:NAME, smollm2 or `semilla`"


def resolve_base(name: str) -> Path:
    """The local folder of a base model, or its GGUF. Nothing is fetched.

    Raises:
        ModelError: it is not here; says how to get it.
    """
    if name == semilla.NAME:
        folder = semilla.FOLDER
    elif name.startswith(ollama.PREFIX):
        return require_gguf(ollama.find_ollama(name.removeprefix(ollama.PREFIX)).gguf)
    elif (package := package_of(name)) is not None:
        return require_gguf(package_gguf(name, package))
    elif name.endswith(GGUF):
        return require_gguf(joined(Path(name)))
    elif Path(name).is_dir():
        folder = Path(name).resolve()
    elif (pulled := pulled_folder(name)) is not None:
        folder = pulled
    else:
        try:
            folder = Path(snapshot_download(name, local_files_only=True))
        except (LocalEntryNotFoundError, HFValidationError, OSError) as exc:
            raise ModelError(
                f"{name}: neither `semilla`, nor a folder, nor a .gguf file, nor a model pulled before",
                remedy=f"run `afina base pull {name}` where there is a network, or name {FORMS}; `afina base list` shows "
                "what is here",
            ) from exc
    check_folder(folder)
    return folder


def require_gguf(file: Path) -> Path:
    """A GGUF by its path; what is in it is looked at where it is read.

    Raises:
        ModelError: there is no such file, or it is none.
    """
    if not file.is_file():
        raise ModelError(f"{file}: no such file", remedy=f"name {FORMS}")
    with file.open("rb") as opened:
        if opened.read(4) != b"GGUF":
            raise ModelError(f"{file}: not a GGUF file", remedy=f"name {FORMS}")
    return file.resolve()
