"""The TypeScript client and the example bot in Node, against a real gateway process."""

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from afina.store.paths import Paths
from afina.wiring import open_project
from tests.conftest import remove_cluster
from tests.e2e.conftest import environment
from tests.integration.serve.standin import Server, completion, started

pytestmark = pytest.mark.e2e
CLIENTS = Path(__file__).parents[2] / "clients" / "typescript"
TYPESCRIPT = "typescript@5.9"
STRICT = (
    "--strict",
    "--target",
    "es2022",
    "--module",
    "es2022",
    "--moduleResolution",
    "bundler",
    "--lib",
    "es2022,dom",
)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clients as JavaScript, type-checked as strictly as the compiler can."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("Node is not installed")
    folder = tmp_path_factory.mktemp("typescript")
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), TYPESCRIPT]
    if subprocess.run(install, capture_output=True, check=False, timeout=300).returncode:
        pytest.skip("the package registry does not answer")
    compiler = folder / "node_modules" / "typescript" / "bin" / "tsc"
    sources = sorted(map(str, CLIENTS.glob("*.ts")))
    done = subprocess.run(
        ["node", str(compiler), *STRICT, "--outDir", str(folder / "out"), *sources],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    (folder / "out" / "package.json").write_text('{"type": "module"}')
    return folder / "out"


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[tuple[str, Path, Server]]:
    """A gateway process in front of a stand-in."""
    (tmp_path / "afina.toml").write_text('[task]\nkind = "chat"\n')
    afina = str(Path(sys.executable).with_name("afina"))
    with started(Server([completion("¡Hola!"), completion("Sí, a todo Chile.")])) as there:
        command = [afina, "serve", "--port", "0", "--upstream", f"{there.url}/v1"]
        process = subprocess.Popen(command, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            url = next(found[0] for line in process.stdout if (found := re.search(r"http://[\d.:]+", line)))
            yield url, tmp_path, there
        finally:
            process.terminate()
            process.communicate(timeout=30)
            remove_cluster(Paths(tmp_path).database)


def test_a_bot_answers_remembers_and_hears(compiled: Path, gateway: tuple[str, Path, Server]) -> None:
    """Two messages are answered in their order, the second with the first in mind; a thumb is feedback on its answer; nothing is answered that was
    not asked. A capture is taken; one that nobody takes breaks nothing.
    """
    url, folder, there = gateway
    driver = Path(__file__).with_name("bot_driver.mjs")
    done = subprocess.run(
        ["node", str(driver), str(compiled), url], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)

    ana = "56911112222@s.whatsapp.net"
    assert found["sent"] == [[ana, "¡Hola!"], [ana, "Sí, a todo Chile."]]
    assert (found["captured"], found["lost"]) == (True, False)
    assert found["refused"].startswith("404 no interaction")
    assert [turn["content"] for turn in there.asked[1]["messages"]] == ["hola", "¡Hola!", "¿hacen envíos?"]
    rows = recorded(folder, 3)
    assert [(row["text"], row["channel"], row["liked"]) for row in rows] == [
        ("hola", "whatsapp", None),
        ("¿hacen envíos?", "whatsapp", "true"),
        ("¿precio?", "", None),
    ]


def recorded(folder: Path, count: int) -> list[dict[str, object]]:
    """Interactions with their thumbs, once there are that many."""
    project = open_project(folder)
    deadline = time.monotonic() + 20
    while True:
        with project.session() as session:
            found = session.execute(
                "SELECT i.text, i.channel, f.value ->> 'liked' AS liked FROM app.interactions i LEFT JOIN app.feedback f ON f.interaction_id = i.id ORDER BY i.id"
            ).fetchall()
        if len(found) >= count or time.monotonic() > deadline:
            return found
        time.sleep(0.1)
