"""A hosted provider, against a server that speaks the published protocol."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from afina.errors import RuntimeFailedError, SettingsError, StoreError
from afina.flows.finetune import Wish
from afina.flows.hosted_finetune import HostedProvider
from afina.flows.project import Project
from afina.settings import ProviderSettings


@dataclass
class Service:
    """Files and jobs in memory; a job succeeds at the second question."""

    files: dict[str, str] = field(default_factory=dict)
    jobs: list[dict[str, Any]] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    questions: int = 0
    url: str = ""

    def answer(self, method: str, path: str, key: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """What the published protocol answers."""
        self.keys.add(key)
        if key != "Bearer right":
            return 401, {"error": {"message": "Incorrect API key provided"}}
        if (method, path) == ("POST", "/v1/files"):
            assert b'name="purpose"' in body
            assert b"fine-tune" in body
            name = f"file-{len(self.files)}"
            self.files[name] = body.decode()
            return 200, {"id": name, "object": "file", "purpose": "fine-tune"}
        if (method, path) == ("POST", "/v1/fine_tuning/jobs"):
            self.jobs.append(json.loads(body))
            return 200, {"id": "ftjob-1", "object": "fine_tuning.job", "status": "validating_files"}
        self.questions += 1
        done = self.questions > 1
        told: dict[str, Any] = {
            "status": "succeeded" if done else "running",
            "fine_tuned_model": "ft:m:1" if done else None,
            "error": {},
        }
        return 200, {"id": "ftjob-1", "object": "fine_tuning.job", **told}


@contextmanager
def serving(service: Service) -> Iterator[Service]:
    """Over HTTP."""

    class Handler(BaseHTTPRequestHandler):
        def reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            status, value = service.answer(self.command, self.path, self.headers.get("authorization", ""), body)
            content = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = reply

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()


def provider(project: Project, service: Service, *, consent: bool = True, key: str = "right") -> HostedProvider:
    """Set up."""
    return HostedProvider(project, ProviderSettings(kind="openai", url=service.url, model="m", consent=consent), key)


def test_rows_are_sent_a_job_begun_and_its_model_told(people: Project) -> None:
    """Training and validation part, never the held-out one; the model's name once it is there."""
    with serving(Service()) as service:
        hosted = provider(people, service)
        identity = hosted.start(Wish(notes="spring")).id
        first, second, third = (hosted.standing(identity) for _ in range(3))

    dataset = people.ledger.dataset()
    [job] = service.jobs
    assert (job["model"], set(job)) == ("m", {"model", "training_file", "validation_file"})
    sent = service.files[job["training_file"]]
    assert sent.count('"messages"') == len(dataset.train)
    assert not any(one.message in text for one in dataset.test for text in service.files.values())
    assert (first.status, second.status, second.model, second.notes) == ("running", "succeeded", "ft:m:1", "spring")
    assert third == second
    assert service.questions == 2, "what is over is asked no more"


def test_without_consent_nothing_leaves(people: Project) -> None:
    """Nor without key or model."""
    with serving(Service()) as service:
        with pytest.raises(SettingsError, match="would be sent to http"):
            provider(people, service, consent=False).start(Wish())
        with pytest.raises(SettingsError, match="an address, a key and a model"):
            provider(people, service, key="").start(Wish())
        bare = provider(people, service)
        with pytest.raises(SettingsError, match="an address, a key and a model"):
            replace(bare, settings=bare.settings.model_copy(update={"model": ""})).start(Wish())

    assert not service.keys


def test_a_refusal_is_told_in_the_services_words(people: Project) -> None:
    """And an unknown job is not asked for."""
    with serving(Service()) as service:
        with pytest.raises(RuntimeFailedError, match="Incorrect API key provided"):
            provider(people, service, key="wrong").start(Wish())
        with pytest.raises(StoreError, match="no fine-tuning"):
            provider(people, service).standing("ftjob-9")
    with pytest.raises(RuntimeFailedError, match="did not answer"):
        HostedProvider(
            people, ProviderSettings(kind="openai", url="http://127.0.0.1:9/v1", model="m", consent=True), "k"
        ).start(Wish())
