"""WhatsApp's Cloud API: webhooks of one or more accounts, answers by `/messages` (developers.facebook.com/docs/whatsapp)."""

import hmac
import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from afina.channels.message import Access, Arrived, Event, Incoming, Outgoing
from afina.files.loose_json import objects, text_at

SIGNATURE = "x-hub-signature-256"
MEDIA = ("image", "video", "audio", "voice", "document", "sticker")


class WhatsApp:
    """See `Channel`."""

    name = "whatsapp"
    url = "https://graph.facebook.com/v23.0"

    def is_signed(self, raw: bytes, headers: Mapping[str, str], access: Access) -> bool:
        """HMAC-SHA256 of the raw body with the app's secret. Re-serialised JSON has another one."""
        right = f"sha256={hmac.new(access.secret.encode(), raw, sha256).hexdigest()}"
        return hmac.compare_digest(headers.get(SIGNATURE, "").encode(), right.encode())

    def read(self, body: Any) -> Arrived:
        """Every change of every entry: messages of people, statuses of ours, calls, templates, and what else there is."""
        messages: list[Incoming] = []
        events: list[Event] = []
        entries = objects(body.get("entry")) if isinstance(body, dict) else []
        for entry in entries:
            for change in objects(entry.get("changes")):
                found = list(self.change(entry, change))
                messages += [one for one in found if isinstance(one, Incoming)]
                events += [one for one in found if isinstance(one, Event)]
        if not entries:
            events.append(Event(id=f"body:{digest(body)}", kind="unsupported"))
        return Arrived(messages=messages, events=events)

    def change(self, entry: dict[str, Any], change: dict[str, Any]) -> Iterator[Incoming | Event]:
        """One change, by its field."""
        value, name = change.get("value"), text_at(change, "field")
        if not isinstance(value, dict):
            yield Event(id=f"change:{digest(change)}", kind="unsupported", detail={"field": name})
            return
        ours = text_at(value, "metadata", "phone_number_id")
        found = False
        for message in objects(value.get("messages")):
            found = True
            yield self.message(message, ours)
        for status in objects(value.get("statuses")):
            found = True
            detail = {"message": text_at(status, "id"), "status": text_at(status, "status"), "errors": codes(status)}
            identity = f"status:{detail['message']}:{detail['status']}:{text_at(status, 'timestamp')}"
            yield Event(id=identity, kind="status", detail=detail)
        for call in objects(value.get("calls")):
            found = True
            detail = {
                "event": text_at(call, "event") or text_at(call, "status"),
                "direction": text_at(call, "direction"),
            }
            yield Event(
                id=f"call:{text_at(call, 'id')}:{detail['event']}:{text_at(call, 'timestamp')}",
                kind="call",
                detail=detail,
            )
        if "template" in name:
            detail = {
                "template": text_at(value, "message_template_name"),
                "event": text_at(value, "event"),
                "reason": text_at(value, "reason"),
            }
            yield Event(
                id=f"template:{digest([entry.get('id'), entry.get('time'), value])}", kind="template", detail=detail
            )
        elif not found:
            yield Event(id=f"change:{digest([entry.get('id'), change])}", kind="unsupported", detail={"field": name})

    def message(self, message: dict[str, Any], ours: str) -> Incoming | Event:
        """A message that a person wrote, or what only looks like one: a reaction, a notice of the system, a kind that the API does not pass on."""
        kind, identity = text_at(message, "type"), text_at(message, "id")
        sender = text_at(message, "from") or text_at(message, "from_user_id")
        if not identity or not sender or kind in {"reaction", "system", "unsupported", "request_welcome", "ephemeral"}:
            detail = {
                "type": kind,
                "emoji": text_at(message, "reaction", "emoji"),
                "of": text_at(message, "reaction", "message_id"),
                "errors": codes(message),
            }
            known = kind if kind in {"reaction", "system"} else "unsupported"
            return Event(
                id=f"message:{identity or digest(message)}", kind=known, detail={k: v for k, v in detail.items() if v}
            )
        return Incoming(
            id=identity,
            user=sender,
            conversation=text_at(message, "group_id") or sender,
            text=text_of(message, kind),
            kind=kind or "text",
            facts=facts_of(message),
            to=ours,
        )

    def send(self, to: Incoming, text: str, access: Access) -> Outgoing:
        """A text within the 24 hours that follow a person's message; it quotes what it answers."""
        return Outgoing(
            url=f"{access.url or self.url}/{access.sender or to.to}/messages",
            headers={"authorization": f"Bearer {access.token}"},
            body={
                "messaging_product": "whatsapp",
                "recipient_type": "individual",
                "to": to.user,
                "type": "text",
                "text": {"body": text, "preview_url": False},
                "context": {"message_id": to.id},
            },
        )


def text_of(message: dict[str, Any], kind: str) -> str:
    """What was said, by the message's type."""
    if kind == "interactive":
        chosen = message.get("interactive")
        of = text_at(chosen, "type")
        return text_at(chosen, of, "title") or text_at(chosen, of, "body") or text_at(chosen, of, "response_json")
    if kind in MEDIA:
        return text_at(message, kind, "caption")
    return (
        text_at(message, "text", "body")
        or text_at(message, "button", "text")
        or text_at(message, "order", "text")
        or text_at(message, "location", "name")
        or text_at(message, "location", "address")
    )


def facts_of(message: dict[str, Any]) -> dict[str, str]:
    """The advertisement and the product that led to a message."""
    found = {
        "referral": text_at(message, "referral", "source_url"),
        "referral_headline": text_at(message, "referral", "headline"),
        "product_asked": text_at(message, "context", "referred_product", "product_retailer_id"),
    }
    return {name: value[:500] for name, value in found.items() if value}


def codes(value: dict[str, Any]) -> list[str]:
    """The platform's errors, by number and title."""
    return [f"{text_at(one, 'code')} {text_at(one, 'title')}".strip() for one in objects(value.get("errors"))]


def digest(value: Any) -> str:
    """A name for what has none of its own."""
    return sha256(json.dumps(value, sort_keys=True, default=str).encode("utf-8", "replace")).hexdigest()[:24]
