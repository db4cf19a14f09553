"""Whatever is sent by the OpenAPI document or against it: an answer in the right form, never a fault of ours."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from afina.errors import JobError
from afina.flows.project import Project
from tests.integration.serve.conftest import applied, listening
from tests.integration.serve.standin import Server, completion

TASK = {"fields": ["intent"], "labels": {"intent": {"pago": "", "envio": ""}}}
EXAMPLES = 25
"""Requests for each operation."""


def refused(*_: Any) -> dict[str, Any]:
    """In place of a process for each fine-tuning."""
    raise JobError("no dataset", remedy="`afina freeze` makes one")


def test_no_request_is_answered_with_a_fault_of_ours(
    project: Project, there: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """0 responses of 500 and above; errors say what is wrong, in the form of the door that was knocked at."""
    there.answers = [completion()]
    monkeypatch.setattr("afina.wiring.trainer.child", refused)
    seen: dict[str, set[int]] = {}

    def check(case: Any) -> None:
        response = case.call()
        seen.setdefault(f"{case.method} {case.path}", set()).add(response.status_code)
        assert response.status_code < 500, f"{case.as_curl_command()}\n{response.text}"
        if response.status_code >= 400:
            error = response.json()["error"]
            assert error if case.path.startswith("/api/") else error["message"]

    with applied(project, {"task": TASK}, {"there": {"url": f"{there.url}/v1"}}) as app, listening(app) as url:
        document = schemathesis.openapi.from_url(f"{url}/openapi.json")
        found: Any
        for found in document.get_all_operations():
            operation = found.ok()
            strategy = operation.as_strategy(generation_mode=schemathesis.GenerationMode.POSITIVE)
            limits = settings(
                max_examples=EXAMPLES,
                deadline=None,
                database=None,
                derandomize=True,
                phases=(Phase.generate,),
                suppress_health_check=list(HealthCheck),
            )
            limits(given(case=strategy)(check))()

    assert len(seen) >= 20
    assert 200 in seen["POST /v1/chat/completions"]
    assert {path for path, codes in seen.items() if path.startswith("POST /v1") and 200 not in codes} <= {
        "POST /v1/feedback"
    }
