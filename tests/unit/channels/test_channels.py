"""Bodies of platforms as messages and events."""

import hmac
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afina.channels import KINDS, Access, Incoming

DATA = Path(__file__).parents[3].parent / "shared" / "data"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "entry",
                    "changes",
                    "value",
                    "messages",
                    "statuses",
                    "id",
                    "from",
                    "type",
                    "text",
                    "message",
                    "chat",
                    "update_id",
                    "calls",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def whatsapp(**message: Any) -> Any:
    """A body with one message."""
    value = {"metadata": {"phone_number_id": "111"}, "messages": [{"id": "wamid.1", "from": "56911112222", **message}]}
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}],
    }


@pytest.mark.parametrize("kind", list(KINDS))
@given(body=JSON)
def test_no_body_breaks_a_channel(kind: str, body: Any) -> None:
    """Whatever is posted: messages and events, never an exception."""
    arrived = KINDS[kind].read(body)

    assert all(one.id for one in arrived.messages)


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"type": "text", "text": {"body": "hola"}}, "hola"),
        ({"type": "image", "image": {"id": "1", "caption": "¿tienen esta?"}}, "¿tienen esta?"),
        ({"type": "audio", "audio": {"id": "1", "voice": True}}, ""),
        (
            {
                "type": "interactive",
                "interactive": {"type": "list_reply", "list_reply": {"id": "a", "title": "Sillas"}},
            },
            "Sillas",
        ),
        ({"type": "button", "button": {"text": "Sí", "payload": "x"}}, "Sí"),
        ({"type": "location", "location": {"latitude": 1, "longitude": 2, "name": "Mi casa"}}, "Mi casa"),
    ],
)
def test_what_people_send_on_whatsapp(message: dict[str, Any], text: str) -> None:
    """Text, captions, chosen buttons and lists, places; a voice note has no words."""
    [one] = KINDS["whatsapp"].read(whatsapp(**message)).messages

    assert (one.text, one.has_text, one.user, one.to) == (text, bool(text), "56911112222", "111")


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ({"type": "reaction", "reaction": {"message_id": "x", "emoji": "👍"}}, "reaction"),
        ({"type": "system", "system": {}}, "system"),
        ({"type": "unsupported"}, "unsupported"),
    ],
)
def test_what_is_no_message_is_an_event(message: dict[str, Any], kind: str) -> None:
    """Nobody answers a thumb."""
    arrived = KINDS["whatsapp"].read(whatsapp(**message))

    assert ([one.kind for one in arrived.events], arrived.messages) == ([kind], [])


def test_a_product_that_was_asked_about_is_known() -> None:
    """A message from a catalogue's page, and one from an advertisement."""
    [one] = (
        KINDS["whatsapp"]
        .read(
            whatsapp(
                type="text",
                text={"body": "¿hay stock?"},
                context={"referred_product": {"product_retailer_id": "sku-7"}},
                referral={"source_url": "https://fb.me/1"},
            )
        )
        .messages
    )

    assert one.facts == {"product_asked": "sku-7", "referral": "https://fb.me/1"}


def test_telegram_messages_buttons_and_the_rest() -> None:
    """An edited message is not answered again; a bot is not answered at all."""
    read = KINDS["telegram"].read
    chat = {"message_id": 1, "chat": {"id": 5}, "from": {"id": 6, "is_bot": False}}

    assert [one.text for one in read({"update_id": 1, "message": {**chat, "text": "hola"}}).messages] == ["hola"]
    assert [one.kind for one in read({"update_id": 1, "edited_message": {**chat, "text": "x"}}).events] == ["edited"]
    assert not read({"update_id": 1, "message": {**chat, "from": {"id": 7, "is_bot": True}, "text": "x"}}).messages
    pressed = {"update_id": 1, "callback_query": {"id": "9", "from": {"id": 6}, "data": "si", "message": chat}}
    assert [(one.text, one.kind) for one in read(pressed).messages] == [("si", "button")]


def test_signatures_are_of_the_raw_bytes() -> None:
    """As Meta signs, and as a shared secret does; another secret, no header, or one changed byte is refused."""
    raw = b'{"a": 1}'
    right = "sha256=" + hmac.new(b"s", raw, sha256).hexdigest()

    for kind, header in (("whatsapp", "x-hub-signature-256"), ("webhook", "x-afina-signature")):
        signed = KINDS[kind].is_signed
        assert signed(raw, {header: right}, Access(secret="s"))
        assert not signed(b'{"a":1}', {header: right}, Access(secret="s"))
        assert not signed(raw, {header: right}, Access(secret="t"))
        assert not signed(raw, {}, Access(secret="s"))
    assert KINDS["telegram"].is_signed(raw, {"x-telegram-bot-api-secret-token": "s"}, Access(secret="s"))
    assert not KINDS["telegram"].is_signed(raw, {"x-telegram-bot-api-secret-token": "ñ"}, Access(secret="s"))


def test_replies_go_where_the_settings_say() -> None:
    """Another address than the platform's own: a proxy, a test."""
    to = Incoming(id="wamid.1", user="569", conversation="569", text="x", to="111")
    access = Access(token="t", url="http://127.0.0.1:9")
    whatsapp_out, telegram_out = (KINDS[kind].send(to, "hola", access) for kind in ("whatsapp", "telegram"))

    assert (whatsapp_out.url, whatsapp_out.headers["authorization"]) == ("http://127.0.0.1:9/111/messages", "Bearer t")
    assert whatsapp_out.body["context"] == {"message_id": "wamid.1"}
    assert (telegram_out.url, telegram_out.body["chat_id"]) == ("http://127.0.0.1:9/bott/sendMessage", "569")


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared data are not beside the project")
def test_real_bodies_are_understood() -> None:
    """Every recorded body is at least one message or event."""
    for kind, folder in (("whatsapp", "whatsapp_webhooks"), ("telegram", "telegram_updates")):
        for path in sorted((DATA / folder).glob("*.json")):
            value = json.loads(path.read_text("utf-8"))
            for body in value.values() if kind == "whatsapp" else [value]:
                arrived = KINDS[kind].read(body)
                assert [*arrived.messages, *arrived.events], path.name
