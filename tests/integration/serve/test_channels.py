"""Telegram, WhatsApp, webhooks and the web chat at the gateway's doors."""

import hmac
import json
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from afina.capture.catalogue import read_catalogue, save_catalogue
from afina.flows.project import Project
from afina.serve.keys import NewKey, Scope, add_key
from tests.integration.serve.conftest import Opened, rows
from tests.integration.serve.standin import Server, completion

DATA = Path(__file__).parents[4] / "shared" / "data"


def telegram(text: str, number: int = 1) -> dict[str, Any]:
    """An update with a message."""
    return {
        "update_id": number,
        "message": {
            "message_id": number,
            "chat": {"id": 5},
            "from": {"id": 6, "is_bot": False, "first_name": "Ana"},
            "text": text,
        },
    }


def table(project: Project, name: str) -> list[dict[str, Any]]:
    """All rows of a table."""
    with project.session() as session:
        return session.execute(f"SELECT * FROM app.{name}").fetchall()


def until(true: Callable[[], bool]) -> None:
    """Wait for what happens behind the reply's back."""
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_sales_bot_from_the_catalogue_to_the_score(
    opened: Opened, there: Server, other: Server, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message names a product, the model is told it, the reply goes out, the row knows it, and the next message scores the answer."""
    file = tmp_path / "catalogue.csv"
    file.write_text("sku,nombre,precio,stock\nsku-7,Lámpara de mesa,$24.990,3\nsku-8,Silla de roble,$49.990,0\n")
    with project.session() as session:
        assert save_catalogue(session, read_catalogue(file), replace=False) == {"added": 2, "known": 0, "deleted": 0}
    there.answers = [completion("La lámpara cuesta $24.990."), completion("¡Listo!")]
    other.answers = [{"ok": True}]
    monkeypatch.setenv("TELEGRAM_TOKEN", "t0k")
    channel = {"telegram": {"url": other.url.removesuffix("/v1"), "token_env": "TELEGRAM_TOKEN"}}
    with opened({"channel": channel}, shop={"url": there.url}) as client:
        assert (
            client.post("/webhooks/telegram/default", json=telegram("¿Tienen lámparas? soy Ana Soto")).json()["taken"]
            == 1
        )
        until(lambda: len(other.asked) == 1)
        rows(project, 1)  # people write more slowly than the recorder
        assert (
            client.post("/webhooks/telegram/default", json=telegram("me la llevo, cómo pago?", 2)).json()["taken"] == 1
        )
        first, second = rows(project, 2)
        until(lambda: bool(table(project, "signals")) and len(other.asked) == 2)

    system = there.asked[0]["messages"][0]["content"]
    assert "Lámpara de mesa [sku-7]: $24.990 (3 en stock)" in system
    assert there.asked[1]["messages"][1:3] == [
        {"role": "user", "content": "¿Tienen lámparas? soy [PERSON]"},
        {"role": "assistant", "content": "La lámpara cuesta $24.990."},
    ]
    assert (other.asked[0]["path"], other.asked[0]["chat_id"], other.asked[0]["text"]) == (
        "/bott0k/sendMessage",
        "5",
        "La lámpara cuesta $24.990.",
    )
    assert (first["channel"], first["product"], first["facts"]["product_name"]) == (
        "telegram",
        "sku-7",
        "Lámpara de mesa",
    )
    assert first["text"] == "¿Tienen lámparas? soy [PERSON]"
    assert first["user_external_id"].startswith("telegram-")
    assert first["conversation"] == second["conversation"]
    [signal] = table(project, "signals")
    assert (signal["interaction_id"], signal["quality"], signal["success"]) == (first["id"], 5, True)


def test_a_message_that_comes_again_is_one(opened: Opened, there: Server, project: Project) -> None:
    """Platforms send until they hear 200: at once, later, and after a new start of the gateway."""
    for _ in range(2):
        with opened(shop={"url": there.url}) as client:
            for _ in range(3):
                assert client.post("/webhooks/telegram/default", json=telegram("hola")).status_code == 200
            until(lambda: all(one["answered_at"] for one in table(project, "inbox")))

    assert len(rows(project, 1)) == 1
    [kept] = table(project, "inbox")
    assert kept["sealed"] is None


def test_signatures(opened: Opened, there: Server, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forged, missing, or of another body: 403, and nothing is taken in; the challenge goes back for the right word only."""
    monkeypatch.setenv("WA_SECRET", "s3cret")
    monkeypatch.setenv("WA_VERIFY", "palabra")
    channel = {"whatsapp": {"secret_env": "WA_SECRET", "verify_env": "WA_VERIFY"}}
    value = {"metadata": {}, "messages": [{"id": "wamid.1", "from": "569", "type": "text", "text": {"body": "hola"}}]}
    raw = json.dumps({"entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]}).encode()
    right = {"x-hub-signature-256": "sha256=" + hmac.new(b"s3cret", raw, sha256).hexdigest()}
    where = "/webhooks/whatsapp/default"
    with opened({"channel": channel}, shop={"url": there.url}) as client:
        assert client.post(where, content=raw).status_code == 403
        assert client.post(where, content=raw, headers={"x-hub-signature-256": "sha256=00"}).status_code == 403
        assert client.post(where, content=raw + b" ", headers=right).status_code == 403
        assert table(project, "inbox") == []
        assert client.post(where, content=raw, headers=right).json()["taken"] == 1
        asked = {"hub.mode": "subscribe", "hub.verify_token": "palabra", "hub.challenge": "42"}
        assert client.get(where, params=asked).text == "42"
        assert client.get(where, params={**asked, "hub.verify_token": "x"}).status_code == 403


def test_with_keys_a_channel_without_a_secret_is_closed(opened: Opened, there: Server, project: Project) -> None:
    """Once the gateway is open to others, nobody may write into what is learnt from unsigned."""
    with project.session() as session:
        add_key(session, NewKey(name="k", scopes=[Scope.CHAT]))
    with opened(shop={"url": there.url}) as client:
        assert client.post("/webhooks/telegram/default", json=telegram("hola")).status_code == 403
        assert client.get("/chat/default").status_code == 403


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/webhooks/telegram/nobody", b"{}", 404),
        ("/webhooks/fax/default", b"{}", 404),
        ("/webhooks/telegram/default", b"{", 400),
        ("/webhooks/telegram/default", b"[" * 5000, 400),
        ("/webhooks/whatsapp/default", b"null", 200),
        ("/webhooks/webhook/default", b"{}", 422),
        ("/webhooks/telegram/default", b"x" * 1_000_001, 413),
        (
            "/webhooks/telegram/default",
            b'{"update_id": 1, "message": {"text": "\\ud83d", "message_id": 1, "chat": {"id": 1}}}',
            200,
        ),
    ],
)
def test_hostile_bodies(opened: Opened, there: Server, path: str, body: bytes, status: int) -> None:
    """Each is refused for what it is, or taken for nothing."""
    with opened(shop={"url": there.url}) as client:
        assert client.post(path, content=body).status_code == status


def test_what_nobody_could_answer_waits_in_the_inbox(
    opened: Opened, there: Server, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dead model is no reason to lose a customer: the message is answered when there is one."""
    monkeypatch.setattr("afina.serve.channels.SWEEP_S", 0.1)
    monkeypatch.setattr("afina.serve.inbox.LEASE_S", 0)
    with opened(dead={"url": "http://127.0.0.1:9/v1", "retries": 0}) as client:
        assert client.post("/webhooks/telegram/default", json=telegram("hola")).status_code == 200
        until(lambda: bool(table(project, "inbox")[0]["error"]))
    with opened(shop={"url": there.url}):
        until(lambda: bool(table(project, "inbox")[0]["answered_at"]))

    assert [one["text"] for one in rows(project, 1) if one["ok"]] == ["hola"]


def test_a_webhook_and_the_web_page_get_the_reply_in_the_response(
    opened: Opened, there: Server, project: Project
) -> None:
    """Sent again it is the same reply, and one row; the page is one file that asks nothing of anybody else."""
    message = {"id": "m1", "user": "visitor", "text": "¿hacen envíos?"}
    with opened(shop={"url": there.url}) as client:
        first = client.post("/webhooks/webhook/default", json=message).json()
        rows(project, 1)
        again = client.post("/webhooks/webhook/default", json=message).json()
        page = client.get("/chat/default")

    assert first == again == {"id": "m1", "text": "Sí, a todo Chile."}
    assert len(rows(project, 1)) == 1
    assert page.status_code == 200
    assert "http" not in page.text.replace("http-equiv", "")


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared data are not beside the project")
def test_every_real_body_is_taken_and_none_doubled(opened: Opened, there: Server, project: Project) -> None:
    """Twice each: no error, and the second time nothing new."""
    bodies = [
        ("telegram", json.loads(p.read_text("utf-8"))) for p in sorted((DATA / "telegram_updates").glob("*.json"))
    ]
    for path in sorted((DATA / "whatsapp_webhooks").glob("*.json")):
        bodies += [("whatsapp", body) for body in json.loads(path.read_text("utf-8")).values()]
    with opened(shop={"url": there.url}) as client:
        statuses = [client.post(f"/webhooks/{kind}/default", json=body).status_code for kind, body in bodies]
        until(lambda: all(one["answered_at"] for one in table(project, "inbox")))
        taken, noted = len(rows(project, len(table(project, "inbox")))), len(table(project, "channel_events"))
        again = [client.post(f"/webhooks/{kind}/default", json=body).json()["taken"] for kind, body in bodies]

    assert set(statuses) == {200}
    assert set(again) == {0}
    assert (len(rows(project, taken)), len(table(project, "channel_events"))) == (taken, noted)
