"""Whatever is sent by the OpenAPI document or against it: an answer in the right form, never a fault of ours."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings

from tests.integration.serve.conftest import Opened
from tests.integration.serve.standin import Server, completion


@pytest.fixture
def api(opened: Opened, there: Server) -> Iterator[Any]:
    """The gateway's own document, in front of a stand-in."""
    there.answers = [completion()]
    with opened(there={"url": f"{there.url}/v1"}) as client:
        assert client.get("/healthz").status_code == 200
        yield schemathesis.openapi.from_asgi("/openapi.json", client.app)


schema = schemathesis.pytest.from_fixture("api")


@schema.parametrize()
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_request_is_answered_with_a_fault_of_ours(case: Any) -> None:
    """0 responses of 500 and above; errors say what is wrong, in the form of the door that was knocked at."""
    response = case.call()

    assert response.status_code < 500, response.text
    if response.status_code >= 400 and response.status_code not in {404, 405, 422}:
        error = response.json()["error"]
        assert error if case.path.startswith("/api/") else error["message"]
