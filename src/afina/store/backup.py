"""One archive of a project: the database and the files it refers to, with a checksum for each."""

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from afina.errors import StoreError
from afina.store.cluster import DATABASE, locate, packaged_binaries, read_passwords
from afina.store.paths import KEPT, Paths, disk_errors
from afina.store.server import read_state

EMPTY = (
    "SET row_security = off; SELECT (SELECT count(*) FROM app.interactions) + (SELECT count(*) FROM ml.model_versions)"
)
"""Rows hidden by row-level security must not look like an empty database: with it off, hiding becomes an error."""

DUMP, MANIFEST_NAME = "database.dump", "backup.json"


def owner_dsn(paths: Paths, url: str) -> str:
    """A connection that may read every client's rows: pg_dump refuses to dump under row-level security.

    Raises:
        StoreError: the embedded server is not running.
    """
    if url:
        return url
    state = read_state(paths.database)
    if state is None:
        raise StoreError("the embedded PostgreSQL is not running", remedy="run `afina up`")
    password = read_passwords(locate(paths.database))["superuser"]
    return f"host=127.0.0.1 port={state.port} dbname={DATABASE} user=postgres password={password}"


def without_password(dsn: str) -> tuple[str, dict[str, str]]:
    """A connection string fit for a process list, and the environment that carries its password."""
    parts = conninfo_to_dict(dsn)
    password = parts.pop("password", None)
    return make_conninfo("", **parts), {"PGPASSWORD": str(password)} if password else {}


def pg_tool(name: str, dsn: str, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """Run one of PostgreSQL's own programs.

    Raises:
        StoreError: it failed; with its own words.
    """
    address, secret = without_password(dsn)
    done = subprocess.run(
        [str(packaged_binaries() / name), f"--dbname={address}", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **secret},
    )
    if done.returncode != 0:
        raise StoreError(f"{name} failed: {done.stderr.strip().splitlines()[0] if done.stderr else 'no output'}")
    return done


def is_kept(file: Path) -> bool:
    """Whether a file belongs into the archive: of a run only what no longer changes, so that a backup while training
    is whole.
    """
    if any(part.endswith(".partial") or part.startswith(".export-") for part in file.parts):
        return False
    return "runs" not in file.parts or "adapter" in file.parts or file.name in {"run.json", "result.json"}


def checksum(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def back_up(paths: Paths, *, url: str, out: Path, settings_file: Path) -> dict[str, Any]:
    """Write the archive (uncompressed tar: its content is compressed or incompressible). Returns its manifest."""
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(f".{out.name}.{os.getpid()}.partial")
    try:
        with disk_errors(out), tempfile.TemporaryDirectory(prefix="afina-backup-") as scratch:
            dump = Path(scratch) / DUMP
            pg_tool("pg_dump", owner_dsn(paths, url), ["--format=custom", "--no-owner", f"--file={dump}"])
            files = {DUMP: dump, settings_file.name: settings_file}
            for folder in KEPT:
                for file in sorted((paths.data / folder).rglob("*")):
                    if file.is_file() and is_kept(file.relative_to(paths.data)):
                        files[str(file.relative_to(paths.data))] = file
            manifest = {"version": 1, "files": {name: checksum(file) for name, file in files.items()}}
            raw = json.dumps(manifest, indent=1).encode()
            with tarfile.open(partial, "w") as archive:
                head = tarfile.TarInfo(MANIFEST_NAME)
                head.size = len(raw)
                archive.addfile(head, io.BytesIO(raw))
                for name, file in files.items():
                    # A base that is a GGUF is linked to: the archive takes the file itself.
                    archive.add(file.resolve(), arcname=name, recursive=False)
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)
    return manifest


def extract(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    """Write one regular file below `target`. (`extractall(filter=…)` came with 3.11.4 only.)

    Raises:
        StoreError: a link, a device, or a path that leads outside.
    """
    path = (target / member.name).resolve()
    content = tar.extractfile(member) if member.isfile() else None
    if content is None or not path.is_relative_to(target.resolve()):
        raise StoreError(f"{member.name!r} does not belong into a backup of afina")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        shutil.copyfileobj(content, file)


def unpack(archive: Path, target: Path) -> dict[str, str]:
    """Unpack and verify. Returns the checksums by name.

    Raises:
        StoreError: not an archive of ours, cut short, or with a changed file.
    """
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                extract(tar, member, target)
        sums: dict[str, str] = json.loads((target / MANIFEST_NAME).read_text("utf-8"))["files"]
    except FileNotFoundError as exc:
        raise StoreError(f"{archive}: no such file, or not a backup of afina") from exc
    except (tarfile.TarError, json.JSONDecodeError, KeyError, EOFError) as exc:
        raise StoreError(f"{archive}: not a whole backup ({exc})") from exc
    for name, expected in sums.items():
        if not (target / name).is_file() or checksum(target / name) != expected:
            raise StoreError(f"{archive}: {name} is missing or damaged")
    return sums


def restore(paths: Paths, *, dsn: str, owner: str, archive: Path) -> int:
    """Bring an archive into an empty, migrated project. Returns the number of files.

    Raises:
        StoreError: the archive is damaged, or the database has rows already.
    """
    with tempfile.TemporaryDirectory(prefix="restore-", dir=paths.data) as scratch:
        sums = unpack(archive, Path(scratch))
        done = pg_tool("psql", owner, ["-qtAc", EMPTY])
        if int(done.stdout.strip() or 0) > 0:
            raise StoreError(
                "this project has data already", remedy="restore into an empty folder: `afina init` there first"
            )
        pg_tool(
            "pg_restore",
            owner,
            [
                "--no-owner",
                "--clean",
                "--if-exists",
                "--single-transaction",
                f"--role={role_of(dsn)}",
                str(Path(scratch) / DUMP),
            ],
        )
        for name in sums:
            source = Path(scratch) / name
            if name.split("/")[0] in KEPT:
                target = paths.data / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(source, target)
    return len(sums)


def role_of(dsn: str) -> str:
    """The login that shall own the restored tables."""
    return str(conninfo_to_dict(dsn).get("user") or "afina")
