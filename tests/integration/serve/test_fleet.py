"""Versions that are adapters on one base share a worker, and every answer is its own version's."""

import asyncio
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from afina.errors import RuntimeFailedError
from afina.export.gguf_adapter import write_adapter_gguf
from afina.ids import ModelVersionId
from afina.runtime import RuntimeClient, Worker, open_load
from afina.serve.fleet import FIRST_RETRY_S, Fleet
from afina.serve.news import News
from afina.serve.route import LiveVersion
from afina.settings import RuntimeSettings
from tests.integration.conftest import FamilyFile
from tests.integration.export.adapters import adapter_on

IDS = [300, 400, 500, 600]


def live(name: str, gguf: Path) -> LiveVersion:
    """A version in production."""
    return LiveVersion(
        id=ModelVersionId(name), name=name, task="t", gguf=str(gguf), rollout="r", canary=False, share=0.0
    )


@pytest.fixture
def versions(family_file: FamilyFile, tmp_path: Path) -> list[LiveVersion]:
    """A base, two adapters on it, and a file of its own."""
    base = tmp_path / "base.gguf"
    shutil.copyfile(family_file("qwen2", "q8_0"), base)
    found = [live("base", base)]
    for number, module in enumerate(("q_proj", "down_proj")):
        tuned = adapter_on(base, tmp_path / f"adapter{number}", modules=[module], size=0.3)
        write_adapter_gguf(base, tuned, tmp_path / f"a{number}.gguf", name=module)
        found.append(live(f"a{number}", tmp_path / f"a{number}.gguf"))
    return [*found, live("other", Path(shutil.copy(family_file("llama", "q8_0"), tmp_path / "other.gguf")))]


def top(fleet: Fleet, version: str) -> int:
    """The likeliest next token, as the gateway would ask for it."""
    worker = fleet.workers[version]
    with RuntimeClient(worker.url) as client:
        client.more = {"lora": worker.lora()} if worker.adapters else {}
        found = client.next_log_probabilities(IDS)
    return max(found, key=lambda token: found[token])


def test_they_share_a_process_and_nothing_else(versions: list[LiveVersion], tmp_path: Path) -> None:
    """Two processes for four versions; asked at once and in turn, each answers as it does alone. What goes stops nobody else."""
    alone: dict[str, int] = {}
    for version in versions:
        fleet = Fleet(list, RuntimeSettings(context=128, slots=2), logs=tmp_path, news=News(lambda _: False))
        asyncio.run(fleet.reconcile([version]))
        alone[version.id] = top(fleet, version.id)
        fleet.stop()
    assert len({alone[name] for name in ("base", "a0", "a1")}) == 3, "who answers alike shows no mistake"
    fleet = Fleet(list, RuntimeSettings(context=128, slots=2), logs=tmp_path, news=News(lambda _: False))

    async def turn() -> None:
        await fleet.reconcile(versions[:2])
        first = fleet.workers["base"].url
        await fleet.reconcile(versions)
        assert fleet.workers["base"].url != first
        await asyncio.sleep(0.3)  # the first worker is retired meanwhile
        assert len({worker.process.pid for worker in fleet.workers.values()}) == 2
        assert set(fleet.running) == {worker.url for worker in fleet.workers.values()}

    asyncio.run(turn())
    try:
        asked = [version.id for version in versions] * 6
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(lambda name: top(fleet, name), asked)) == [alone[name] for name in asked]
        asyncio.run(fleet.reconcile(versions[1:2]))
        assert top(fleet, "a0") == alone["a0"]
        assert list(fleet.workers) == ["a0"]
    finally:
        fleet.stop()


def test_a_worker_that_dies_while_it_starts_is_tried_again_at_once(
    versions: list[LiveVersion], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not after seconds; one that never starts is waited for by nobody."""
    fleet = Fleet(list, RuntimeSettings(context=128, slots=1), logs=tmp_path, news=News(lambda _: False))
    fails = [RuntimeFailedError("killed")]

    def first_fails(*arguments: Any, **more: Any) -> Worker:
        if fails:
            raise fails.pop()
        return open_load(*arguments, **more)

    monkeypatch.setattr("afina.serve.fleet.open_load", first_fails)

    async def some_time() -> None:
        await fleet.reconcile(versions[:1])
        assert fleet.workers == {}
        await asyncio.sleep(FIRST_RETRY_S)
        await fleet.reconcile(versions[:1])

    asyncio.run(some_time())
    try:
        assert list(fleet.workers) == ["base"]
        assert fleet.failures["base"] == 0
    finally:
        fleet.stop()


def test_a_base_that_is_gone_stops_only_its_own(versions: list[LiveVersion], tmp_path: Path) -> None:
    """The others are served, and it is tried again when it is back."""
    fleet = Fleet(list, RuntimeSettings(context=128, slots=1), logs=tmp_path, news=News(lambda _: False))
    base = Path(versions[0].gguf)
    base.rename(tmp_path / "away")
    asyncio.run(fleet.reconcile(versions))
    try:
        assert list(fleet.workers) == ["other"]
        (tmp_path / "away").rename(base)
        fleet.failed_at.clear()
        asyncio.run(fleet.reconcile(versions))
        assert set(fleet.workers) == {"base", "a0", "a1", "other"}
    finally:
        fleet.stop()
