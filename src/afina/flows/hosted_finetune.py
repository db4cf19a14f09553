"""Fine-tuning at a hosted service that speaks OpenAI's protocol. Off unless the settings name it, with a key and the consent that
rows leave this machine.

`POST /files` (multipart, purpose fine-tune), `POST /fine_tuning/jobs`, `GET /fine_tuning/jobs/ID`: the published form of OpenAI's API reference.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from afina.errors import RuntimeFailedError, SettingsError, StoreError
from afina.files.rows import as_lines
from afina.flows.datasets import export_rows
from afina.flows.finetune import Standing, Wish
from afina.flows.local_finetune import dataset_of
from afina.flows.project import Project
from afina.records import Example
from afina.settings import ProviderSettings
from afina.store.paths import read_json, write_json

STATUS = {
    "validating_files": "queued", "queued": "queued", "paused": "queued", "running": "running", "succeeded": "succeeded", "failed": "failed",
    "cancelled": "cancelled",
}  # fmt: skip
"""Status of the service → ours."""
TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class HostedProvider:
    """The service. `key` is read from the environment by whoever wires this."""

    project: Project
    settings: ProviderSettings
    key: str

    def start(self, wish: Wish) -> Standing:
        """See `Provider`. Nothing is sent before key and consent are there.

        Raises:
            SettingsError: consent, key, address or model is missing. RuntimeFailedError: the service refuses or does not answer.
        """
        model = wish.base or self.settings.model
        self.require(model)
        dataset = dataset_of(self.project, wish.dataset)
        with self.http() as http:
            files = {"training_file": upload(http, "training.jsonl", dataset.train, dataset.prompt)}
            if dataset.validation:
                files["validation_file"] = upload(http, "validation.jsonl", dataset.validation, dataset.prompt)
            job = asked(http, "POST", "/fine_tuning/jobs", json={"model": model, **files})
        standing = Standing(id=str(job["id"]), status="queued", base=model, dataset=dataset.id, notes=wish.notes)
        self.keep(standing, files)
        return standing

    def place(self, identity: str) -> Path:
        """Where a job is written down: each client's by itself."""
        return self.project.paths.record("finetunes", f"{self.project.client}.{identity}")

    def keep(self, standing: Standing, files: Mapping[str, str]) -> None:
        """With the files that lie at the service: who erases a person must know of them."""
        write_json(self.place(standing.id), {"url": self.settings.url, "files": dict(files), **asdict(standing)})

    def require(self, model: str) -> None:
        """Everything that is needed before rows may leave."""
        if not self.settings.consent:
            raise SettingsError(
                f"the rows of this project would be sent to {self.settings.url}",
                remedy="if that is allowed, say so: [provider] consent = true",
            )
        if not self.settings.url or not self.key or not model:
            raise SettingsError(
                "a hosted provider needs an address, a key and a model",
                remedy="[provider] url, key_env (and the variable that it names), model",
            )

    def standing(self, identity: str) -> Standing:
        """See `Provider`."""
        path = self.place(identity)
        if "/" in identity or not path.is_file():
            raise StoreError(f"no fine-tuning {identity[:100]!r}")
        kept = read_json(path)
        files = kept.pop("files")
        kept.pop("url")
        known = Standing(**kept)
        if known.status in {"succeeded", "failed", "cancelled"}:
            return known
        with self.http() as http:
            job = asked(http, "GET", f"/fine_tuning/jobs/{identity}")
        error = job.get("error") or {}
        found = replace(
            known,
            status=STATUS.get(str(job.get("status")), "running"),
            model=str(job.get("fine_tuned_model") or ""),
            error=str(error.get("message") or "") if isinstance(error, dict) else str(error),
        )
        self.keep(found, files)
        return found

    def http(self) -> httpx.Client:
        """A client of the service."""
        headers = {"authorization": f"Bearer {self.key}"}
        return httpx.Client(base_url=self.settings.url.rstrip("/"), headers=headers, timeout=TIMEOUT_S)


def upload(http: httpx.Client, name: str, examples: tuple[Example, ...], prompt: str) -> str:
    """A file of chats; its id."""
    text = as_lines(export_rows(examples, "openai", prompt))
    found = asked(
        http,
        "POST",
        "/files",
        data={"purpose": "fine-tune"},
        files={"file": (name, text.encode(), "application/jsonl")},
    )
    return str(found["id"])


def asked(http: httpx.Client, method: str, path: str, **what: Any) -> dict[str, Any]:
    """A call and its JSON object.

    Raises:
        RuntimeFailedError: no answer, a refusal, or no JSON object with what is needed.
    """
    try:
        reply = http.request(method, path, **what)
        found = reply.json()
    except (httpx.HTTPError, ValueError) as exc:
        raise RuntimeFailedError(f"the provider did not answer {method} {path}: {exc}") from exc
    if reply.is_error or not isinstance(found, dict) or "id" not in found:
        told = found.get("error", found) if isinstance(found, dict) else found
        why = told.get("message", told) if isinstance(told, dict) else told
        raise RuntimeFailedError(f"the provider refused {method} {path} ({reply.status_code}): {str(why)[:300]}")
    return found
