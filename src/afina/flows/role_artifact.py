"""What a role wrote, as files: YAML in `planning/`, a developer's files in `code/`, and what each was made from. Nothing that a person wrote
there is lost.
"""

import json
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

from afina.errors import InputError, RoleError
from afina.files import NOTICES
from afina.flows.role_run import Answered, Worker
from afina.roles import check_answer
from afina.roles.artifacts import as_yaml, read_artifact
from afina.store.paths import free_name, read_json, write_json, write_whole

LINKS, CODE, EDITED = "chain.json", "code", ".bak"


def read_links(folder: Path) -> dict[str, Any]:
    """Role → what its files were made from."""
    path = folder / LINKS
    return dict(read_json(path)) if path.is_file() else {}


def questions_mark(questions: Sequence[str]) -> str:
    """Equal for the same questions."""
    return blake2b(json.dumps(list(questions)).encode(), digest_size=12).hexdigest()


def content_mark(content: bytes) -> str:
    """Equal for the same bytes."""
    return blake2b(content, digest_size=12).hexdigest()


def write_artifact(worker: Worker, answered: Answered, folder: Path, *, seed: int = 0) -> Path:
    """An answer as the role's YAML file, a developer's files beside it, and in `chain.json` what they were made from. A file that a person
    has edited is kept beside the new one; one of ours that the answer has no more goes.

    Raises:
        RoleError: it wants to write outside of the folder; nothing is written.
    """
    name, path = worker.space.role.name, folder / worker.space.role.form.writes
    links = read_links(folder)
    before: dict[str, str] = links.get(name, {}).get("files", {})
    files = {path: as_yaml(answered.artifact), **code_files(worker, answered.artifact, folder.parent / CODE)}
    own = {str(target.relative_to(folder.parent)): text for target, text in files.items()}
    for place, text in reversed(own.items()):  # the code first: whose YAML is there is whole
        write_over(folder.parent / place, text, before.get(place, ""))
    for place in before.keys() - own.keys():
        old = folder.parent / place
        if old.is_file() and content_mark(old.read_bytes()) == before[place]:
            old.unlink()
    links[name] = {
        "mark": questions_mark(answered.questions),
        "seed": seed,
        "files": {place: content_mark(text.encode()) for place, text in own.items()},
        "model": worker.source,
        "score": round(answered.score, 4),
        "tries": answered.tries,
        "failed": links.get(name, {}).get("failed", {}),  # what could not be used would be drawn again
    }
    write_json(folder / LINKS, links)
    return path


def write_missing(worker: Worker, artifact: dict[str, Any], folder: Path) -> None:
    """Write the developer's files that are gone: the YAML has them. Those that are there stay as they are.

    Raises:
        RoleError: see `code_files`.
    """
    for path, text in code_files(worker, artifact, folder.parent / CODE).items():
        if not path.exists():
            write_whole(path, text)


def code_files(worker: Worker, artifact: dict[str, Any], code: Path) -> dict[Path, str]:
    """A developer's files.

    Raises:
        RoleError: one lies outside of the folder.
    """
    if not worker.space.role.schema.get("x-code"):
        return {}
    found = {}
    for file in artifact["files"]:
        target = code / file["path"].strip()
        if not target.resolve().is_relative_to(code.resolve()):
            raise RoleError(f"{worker.space.role.name} wants to write {file['path']!r}, outside of {code}")
        found[target] = file["content"].rstrip() + "\n"
    return found


def write_over(path: Path, text: str, ours: str) -> None:
    """Write a file. `ours`: the mark of what was last written there; something else is a person's, and is kept beside it."""
    if path.is_file() and content_mark(path.read_bytes()) not in (ours, content_mark(text.encode())):
        kept = free_name(path.with_name(path.name + EDITED))
        path.replace(kept)
        NOTICES.warning("%s was not as it had been written: it is kept as %s", path, kept.name)
    write_whole(path, text)


def without_end(schema: dict[str, Any]) -> dict[str, Any]:
    """A list's schema without its most entries."""
    return {name: value for name, value in schema.items() if name != "maxItems"}


def checked_file(worker: Worker, path: Path) -> dict[str, Any]:
    """An artifact that is there, which a person may have edited.

    Raises:
        InputError: it breaks the role's schema; names the place.
    """
    found = read_artifact(path)
    schema = worker.space.role.schema
    if any(read.each for read in worker.space.role.form.reads):  # put together they have longer lists than one may have
        schema = {**schema, "properties": {name: without_end(one) for name, one in schema["properties"].items()}}
    checked = check_answer(json.dumps(found, default=str), "", schema)
    if checked.scores["schema"] < 1:
        raise InputError(
            f"{path}: {checked.problems[0]}", remedy="mend the file, or remove it to have it written again"
        )
    return found
