"""What is backed up comes back, byte for byte and row for row."""

import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from afina.errors import StoreError
from afina.flows.project import Project
from afina.settings import Settings
from afina.store.access import client_session
from afina.store.backup import back_up, owner_dsn, restore, unpack, without_password
from afina.store.garbage import collect, known_ids
from afina.store.paths import Paths
from afina.wiring import connect
from tests.conftest import remove_cluster
from tests.integration.store.test_migrate import add_message


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Project, Project]]:
    """Two projects, each with its embedded server."""
    made = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "afina.toml").write_text("", "utf-8")
        made.append(connect(Paths(folder), Settings()))
    yield made[0], made[1]
    for project in made:
        remove_cluster(project.paths.database)


def rows(project: Project, client: str) -> list[tuple[object, ...]]:
    """A client's messages, seen through row-level security."""
    with psycopg.connect(project.dsn) as connection:
        connection.execute("SET ROLE afina_app")
        connection.execute("SELECT set_config('app.client', %s, false)", (client,))
        return connection.execute("SELECT id, text, client_id FROM app.interactions ORDER BY id").fetchall()


def test_backup_and_restore(two: tuple[Project, Project], tmp_path: Path) -> None:
    """Rows of every client, files, and isolation after it; a second restore is refused."""
    one, other = two
    add_message(one.dsn, "a", "int_a")
    add_message(one.dsn, "b", "int_b")
    model = one.paths.model("mod_1") / "m.gguf"
    model.parent.mkdir(parents=True)
    model.write_bytes(bytes(range(256)) * 1000)
    waiting = one.paths.spool / "refused.jsonl"
    waiting.parent.mkdir()
    waiting.write_text("{}\n", "utf-8")
    linked = one.paths.bases / "b" / "base.gguf"
    linked.parent.mkdir(parents=True)
    (tmp_path / "elsewhere.gguf").write_bytes(b"GGUF")
    linked.symlink_to(tmp_path / "elsewhere.gguf")
    archive = tmp_path / "b.tar"

    back_up(one.paths, url="", out=archive, settings_file=one.paths.project / "afina.toml")
    restore(other.paths, dsn=other.dsn, owner=owner_dsn(other.paths, ""), archive=archive)

    assert (other.paths.spool / "refused.jsonl").read_text("utf-8") == "{}\n"
    assert (other.paths.bases / "b" / "base.gguf").read_bytes() == b"GGUF"
    assert not (other.paths.bases / "b" / "base.gguf").is_symlink()
    assert rows(other, "a") == rows(one, "a") == [("int_a", "hola", "a")]
    assert rows(other, "b") == [("int_b", "hola", "b")]
    assert (other.paths.model("mod_1") / "m.gguf").read_bytes() == model.read_bytes()
    add_message(other.dsn, "a", "int_new")
    with pytest.raises(StoreError, match="has data already"):
        restore(other.paths, dsn=other.dsn, owner=owner_dsn(other.paths, ""), archive=archive)


def test_damaged_archives_change_nothing(two: tuple[Project, Project], tmp_path: Path) -> None:
    """Cut short, one byte changed, something else, nothing."""
    one, other = two
    add_message(one.dsn, "a", "int_a")
    archive = tmp_path / "b.tar"
    back_up(one.paths, url="", out=archive, settings_file=one.paths.project / "afina.toml")
    raw = bytearray(archive.read_bytes())
    at = raw.index(b"PGDMP") + 200
    changed = bytes(raw[:at]) + bytes([raw[at] ^ 1]) + bytes(raw[at + 1 :])

    for content in (bytes(raw[: len(raw) // 2]), changed, b"not a tar"):
        archive.write_bytes(content)
        with pytest.raises(StoreError):
            restore(other.paths, dsn=other.dsn, owner=owner_dsn(other.paths, ""), archive=archive)
    with pytest.raises(StoreError, match="no such file"):
        restore(other.paths, dsn=other.dsn, owner=owner_dsn(other.paths, ""), archive=tmp_path / "none.tar")
    assert rows(other, "a") == []


@pytest.mark.parametrize(
    ("name", "kind"), [("../outside", tarfile.REGTYPE), ("/abs", tarfile.REGTYPE), ("link", tarfile.SYMTYPE)]
)
def test_a_hostile_archive_writes_nothing_outside(tmp_path: Path, name: str, kind: bytes) -> None:
    """Paths that climb, absolute ones, links."""
    archive, target = tmp_path / "evil.tar", tmp_path / "in"
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, "/etc/passwd"
    with tarfile.open(archive, "w") as tar:
        tar.addfile(member)

    with pytest.raises(StoreError, match="does not belong"):
        unpack(archive, target)

    assert not (tmp_path / "outside").exists()


def test_garbage_is_judged_over_all_clients(two: tuple[Project, Project]) -> None:
    """What another client's version refers to is no garbage; nor is anything young."""
    one, _ = two
    for client in ("a", "b"):
        with client_session(one.dsn, client) as session:
            session.execute(
                "INSERT INTO ml.model_versions (id, client_id, name, task, base, gguf, quantisation) VALUES (%s, %s, 'n', 't', 'x', 'g', 'q8_0')",
                (f"mod_{client}", client),
            )
    for name in ("mod_a", "mod_b", "mod_gone", "mod_young"):
        one.paths.model(name).mkdir(parents=True)
        if name != "mod_young":
            os.utime(one.paths.model(name), (0, 0))

    found = collect(one.paths, known=known_ids(owner_dsn(one.paths, "")))

    assert [path.name for path in found] == ["mod_gone"]


def test_passwords_stay_out_of_process_lists() -> None:
    """They travel in the environment."""
    address, secret = without_password("host=127.0.0.1 user=u password=hidden")

    assert "hidden" not in address
    assert secret == {"PGPASSWORD": "hidden"}
