"""Models in a local Ollama store: found and read, never written to.

A store is `manifests/HOST/NAMESPACE/NAME/TAG` (JSON: layers with a media type and a digest) beside `blobs/sha256-…`; the model's layer
is a GGUF. Source: Ollama's `types/model` and `server/manifest`.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from afina.errors import ModelError

PREFIX = "ollama:"
HOST, NAMESPACE, TAG = "registry.ollama.ai", "library", "latest"
MEDIA = "application/vnd.ollama.image."
SERVICE_HOMES = (Path("/usr/share/ollama"), Path("/var/lib/ollama"), Path("/var/snap/ollama/common"))
"""Where the service's user lives, by the ways Ollama is installed."""
LARGEST_TEXT = 1 << 20


@dataclass(frozen=True, slots=True)
class OllamaModel:
    """A model of a store. `gguf` is its blob; the texts are its layers, "" where it has none."""

    name: str
    gguf: Path
    template: str = ""
    system: str = ""
    parameters: str = ""
    licence: str = ""


def stores() -> list[Path]:
    """Folders of Ollama's models on this machine: `OLLAMA_MODELS`, the user's, the service's."""
    named = os.environ.get("OLLAMA_MODELS")
    homes = [Path.home(), *SERVICE_HOMES]
    found = [Path(named)] if named else []
    found += [home / ".ollama" / "models" for home in homes] + [home / "models" for home in SERVICE_HOMES]
    return [folder for folder in dict.fromkeys(found) if can_look(folder / "manifests")]


def can_look(folder: Path) -> bool:
    """Whether a folder is there and may be read; the service's often belongs to another user."""
    try:
        return folder.is_dir() and os.access(folder, os.R_OK | os.X_OK)
    except OSError:
        return False


def names(store: Path) -> Iterator[str]:
    """The models of a store, as `ollama list` names them."""
    root = store / "manifests"
    for file in sorted(root.glob("*/*/*/*")):
        host, namespace, name, tag = file.relative_to(root).parts
        prefix = (
            ""
            if host == HOST and namespace == NAMESPACE
            else f"{namespace}/"
            if host == HOST
            else f"{host}/{namespace}/"
        )
        yield f"{prefix}{name}:{tag}"


def manifest_of(name: str) -> Path:
    """Where the manifest of `[HOST/][NAMESPACE/]NAME[:TAG]` lies in a store."""
    plain, _, tag = name.rpartition(":") if ":" in name.rsplit("/", 1)[-1] else (name, "", TAG)
    given = plain.split("/")
    parts = [HOST, NAMESPACE][: max(0, 3 - len(given))] + given
    if len(parts) != 3 or {"", ".", ".."} & {*parts, tag}:
        raise ModelError(f"{PREFIX}{name}: not a name of Ollama's", remedy=f"e.g. {PREFIX}llama3.2:1b")
    return Path("manifests", *parts, tag)


def find_ollama(name: str) -> OllamaModel:
    """A model by the name that Ollama gives it, without `ollama:`.

    Raises:
        ModelError: no store has it, or its manifest or a blob is missing or damaged.
    """
    place, here = manifest_of(name), stores()
    for store in here:
        if (store / place).is_file():
            return read_model(name, store, store / place)
    known = [f"{PREFIX}{found}" for store in here for found in names(store)]
    raise ModelError(
        f"{PREFIX}{name}: no model of this name in {' or '.join(map(str, here)) or 'an Ollama store: none was found'}",
        remedy=f"here are {', '.join(known)}"
        if known
        else f"run `ollama pull {name}`, or set OLLAMA_MODELS to its store",
    )


def read_model(name: str, store: Path, manifest: Path) -> OllamaModel:
    """A model's layers.

    Raises:
        ModelError: see `find_ollama`.
    """
    try:
        layers = json.loads(manifest.read_text("utf-8"))["layers"]
        digests = {str(layer["mediaType"]).removeprefix(MEDIA): str(layer["digest"]) for layer in layers}
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise ModelError(f"{manifest}: the manifest is damaged", remedy=f"run `ollama pull {name}` again") from exc
    if "model" not in digests:
        raise ModelError(
            f"{manifest}: this model has no weights of its own", remedy="take one that runs here, not a cloud one"
        )
    if "projector" in digests:
        raise ModelError(f"{PREFIX}{name}: models that see are not trained here", remedy="take a model for text")
    if "adapter" in digests:
        raise ModelError(
            f"{PREFIX}{name}: it is itself an adapter on a model", remedy="name the model that it was made from"
        )
    texts = {field: text_of(store, digests.get(field), name) for field in ("template", "system", "params", "license")}
    return OllamaModel(
        name=name,
        gguf=blob(store, digests["model"], name),
        template=texts["template"],
        system=texts["system"],
        parameters=texts["params"],
        licence=texts["license"],
    )


def blob(store: Path, digest: str, name: str) -> Path:
    """A layer's file.

    Raises:
        ModelError: it is not there, or may not be read.
    """
    file = store / "blobs" / digest.replace(":", "-")
    if not file.is_file():
        raise ModelError(f"{PREFIX}{name}: {file} is missing", remedy=f"run `ollama pull {name}` again")
    if not os.access(file, os.R_OK):
        raise ModelError(f"{PREFIX}{name}: {file} belongs to another user", remedy="run this as that user, or copy it")
    return file


def text_of(store: Path, digest: str | None, name: str) -> str:
    """A small layer's text; "" where there is none."""
    if digest is None:
        return ""
    with blob(store, digest, name).open("rb") as file:
        return file.read(LARGEST_TEXT).decode("utf-8", errors="replace")
