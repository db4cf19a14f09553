"""Two clients in one gateway and one database: neither sees, changes or reaches anything of the other, by any table, view, function or endpoint."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from afina.errors import StoreError
from afina.flows.project import Project
from afina.ids import ClientId
from afina.serve.keys import ROLES, Limits, NewKey, Scope, add_key
from afina.store.access import client_session
from tests.integration.serve.conftest import Opened, rows
from tests.integration.serve.standin import Server, completion

ACME = ClientId("acme")
SECRET = "secreto-de-acme-7391"
PERSON, TALK = "persona-de-acme", "charla-de-acme"
ASKED = {"messages": [{"role": "user", "content": SECRET}], "user": PERSON, "metadata": {"conversation": TALK}}


@pytest.fixture
def shared(opened: Opened, there: Server, project: Project) -> Iterator[tuple[TestClient, dict[str, dict[str, str]]]]:
    """A gateway for both, and a header of each."""
    headers = {}
    for name in (project.client, ACME):
        with client_session(project.dsn, name) as session:
            _, secret = add_key(session, NewKey(name="k", scopes=[Scope.ADMIN], limits=Limits(tokens_per_day=10**9)))
        headers[str(name)] = {"authorization": f"Bearer {secret}"}
    with opened({"serve": {"clients": ["acme"]}}, there={"url": f"{there.url}/v1"}) as client:
        yield client, headers


def test_no_endpoint_shows_or_takes_anything_of_another_client(
    shared: tuple[TestClient, dict[str, dict[str, str]]], there: Server, project: Project
) -> None:
    """Every route of the document is asked by both; feedback on another's interaction is as unknown as on one that never was."""
    client, headers = shared
    theirs, ours = headers["acme"], headers[str(project.client)]
    said = client.post("/v1/chat/completions", json=ASKED, headers=theirs)
    interaction = said.headers["x-afina-interaction"]
    client.patch(f"/v1/users/{PERSON}", json={"locale": "es-ACME", "categories": [SECRET]}, headers=theirs)
    wait_for_row(project)

    for of in ({"interaction": interaction}, {"conversation": TALK}):
        assert client.post("/v1/feedback", json={**of, "liked": True}, headers=ours).status_code == 404
        assert client.post("/v1/feedback", json={**of, "liked": True}, headers=theirs).status_code == 200
    assert client.get(f"/v1/users/{PERSON}", headers=ours).json()["locale"] == "es"
    assert client.get(f"/v1/users/{PERSON}", headers=theirs).json()["categories"] == [SECRET]
    known = {"text": "x", "answer": "x", "user": PERSON, "conversation": TALK, "interaction": interaction}
    there.answers = [completion()]
    for path, methods in client.get("/openapi.json", headers=ours).json()["paths"].items():
        for method in methods:
            where = path.format(user=PERSON, name="x", channel="webhook", client="acme", of="acme")
            reply = client.request(method.upper(), where, json=known, headers=ours)
            assert SECRET not in reply.text, path
            assert "es-ACME" not in reply.text, path
    named = client.post("/v1/chat/completions", json=ASKED, headers={**ours, "x-client": "acme", "x-user": "x"})
    with client_session(project.dsn, ACME) as session:
        found = session.execute(
            "SELECT id FROM app.interactions WHERE id = %s", (named.headers["x-afina-interaction"],)
        )
        assert found.fetchone() is None


def wait_for_row(project: Project) -> None:
    """Until what was said is in the database."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with client_session(project.dsn, ACME) as session:
            if session.execute("SELECT 1 FROM app.interactions").fetchone():
                return
        time.sleep(0.05)
    raise AssertionError


def relations(session: Any) -> list[str]:
    """Every table and view of ours that the application may read."""
    rows = session.execute(
        """
        SELECT format('%I.%I', n.nspname, c.relname) AS name
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('app', 'ml', 'analytics', 'public') AND c.relkind IN ('r', 'v', 'm', 'p')
            AND has_table_privilege(c.oid, 'SELECT')
        ORDER BY 1
        """
    ).fetchall()
    return [row["name"] for row in rows]


def test_no_table_and_no_view_shows_a_row_of_another_client(
    shared: tuple[TestClient, dict[str, dict[str, str]]], project: Project
) -> None:
    """What acme said is in none of them for the other one, and nothing of it can be changed or deleted; without a client nothing is seen at all."""
    client, headers = shared
    client.post("/v1/chat/completions", json=ASKED, headers=headers["acme"])
    wait_for_row(project)
    with client_session(project.dsn, ACME) as session:
        names = relations(session)
        seen = {
            name
            for name in names
            if any(
                any(mark in str(row) for mark in (SECRET, PERSON, TALK))
                for row in session.execute(f"SELECT * FROM {name}").fetchall()
            )
        }
    assert {
        "app.interactions",
        "app.messages",
        "app.event_log",
        "public.training_data",
        "analytics.vw_user_health",
    } <= seen
    assert len(names) >= 25

    with client_session(project.dsn, project.client) as session:
        for name in names:
            rows = session.execute(f"SELECT * FROM {name}").fetchall()
            assert not any("acme" in str(row) for row in rows), name
        assert session.execute("UPDATE app.interactions SET answer = 'x' WHERE text = %s", (SECRET,)).rowcount == 0
        assert session.execute("DELETE FROM app.interactions WHERE text = %s", (SECRET,)).rowcount == 0
        session.execute("SELECT set_config('app.client', '', true)")
        assert all(
            not session.execute(f"SELECT * FROM {name}").fetchall()
            for name in names
            if not name.startswith("public.alembic")
        )


def test_nothing_can_be_written_for_another_client_nor_the_log_of_changes_be_changed(project: Project) -> None:
    """A row that names another one is refused by the database; what was done stays on record."""
    with client_session(project.dsn, ACME) as session:
        add_key(session, NewKey(name="k", scopes=[Scope.CHAT]))
    for statement in (
        "INSERT INTO app.users (id, client_id, external_id) VALUES ('u', 'acme', 'x')",
        "UPDATE app.audit_log SET detail = '{}'",
        "DELETE FROM app.audit_log",
        "SET LOCAL ROLE postgres",
        "ALTER TABLE app.users DISABLE ROW LEVEL SECURITY",
        "SET LOCAL row_security = off; SELECT * FROM app.interactions",
    ):
        with pytest.raises(StoreError), client_session(project.dsn, project.client) as session:
            session.execute(statement)


def test_functions_run_with_the_rights_of_whoever_calls_them(project: Project) -> None:
    """None of ours is SECURITY DEFINER, which would see every client's rows; no view is without security_invoker."""
    with client_session(project.dsn, project.client) as session:
        definers = session.execute(
            "SELECT proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname IN ('app', 'ml', 'analytics') AND prosecdef"
        ).fetchall()
        views = session.execute(
            """
            SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname IN ('app', 'ml', 'analytics', 'public') AND c.relkind IN ('v', 'm')
                AND NOT coalesce(c.reloptions, '{}') && ARRAY['security_invoker=true', 'security_invoker=on']
            """
        ).fetchall()

    assert definers == []
    assert views == []


def test_a_persons_key_speaks_for_that_person_only(opened: Opened, there: Server, project: Project) -> None:
    """Whatever it names: what it says is recorded as hers; manner and feedback of others are out of its reach."""
    with project.session() as session:
        _, ana = add_key(session, NewKey(name="ana", scopes=ROLES["user"], user="ana"))
        _, bot = add_key(session, NewKey(name="bot", scopes=[Scope.CHAT, Scope.FEEDBACK]))
    hers, bots = ({"authorization": f"Bearer {secret}"} for secret in (ana, bot))
    with opened(there={"url": f"{there.url}/v1"}) as client:
        said = client.post("/v1/chat/completions", json={**ASKED, "user": "eva"}, headers={**hers, "x-user": "eva"})
        others = client.post("/v1/chat/completions", json={**ASKED, "user": "eva"}, headers=bots)
        kept = rows(project, 2)
        codes = [
            client.post("/v1/feedback", json={**of, "liked": True}, headers=hers).status_code
            for of in (
                {"interaction": said.headers["x-afina-interaction"]},
                {"interaction": others.headers["x-afina-interaction"]},
                {"conversation": TALK},
            )
        ]
        assert client.get("/v1/users/eva", headers=hers).status_code == 403
        assert client.patch("/v1/users/eva", json={"tone": "coach"}, headers=hers).status_code == 403
        assert client.patch("/v1/users/ana", json={"tone": "coach"}, headers=hers).status_code == 200

        client.post("/v1/chat/completions", json=ASKED, headers=hers)
        joined = client.post("/v1/feedback", json={"conversation": TALK, "rating": 1}, headers=hers).status_code

    assert [row["user_external_id"] for row in kept] == ["ana", "eva"]
    assert codes == [200, 404, 404]
    assert joined == 404, "a conversation that others speak in is not hers, although she spoke last"
