"""Any program's own webhook: one message in, the reply in the response (and, where `url` is set, posted there)."""

import hmac
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from afina.channels.message import Access, Arrived, Event, Incoming, Outgoing
from afina.files.loose_json import text_at

SIGNATURE = "x-afina-signature"


class Webhook:
    """See `Channel`. Body: {"id", "user", "text"} with optional `conversation`."""

    name = "webhook"
    url = ""

    def is_signed(self, raw: bytes, headers: Mapping[str, str], access: Access) -> bool:
        """`sha256=` and the HMAC-SHA256 of the raw body with the shared secret."""
        right = f"sha256={hmac.new(access.secret.encode(), raw, sha256).hexdigest()}"
        return hmac.compare_digest(headers.get(SIGNATURE, "").encode(), right.encode())

    def read(self, body: Any) -> Arrived:
        """One message; what lacks a user, an id or a text is an event."""
        user, identity, text = (text_at(body, name) for name in ("user", "id", "text"))
        if not user or not identity or not text.strip():
            return Arrived(events=[Event(id=f"body:{identity}", kind="unsupported")])
        conversation = text_at(body, "conversation") or user
        return Arrived(messages=[Incoming(id=identity, user=user, conversation=conversation, text=text)])

    def send(self, to: Incoming, text: str, access: Access) -> Outgoing:
        """The reply, to the program that may wait elsewhere."""
        return Outgoing(
            url=access.url, body={"id": to.id, "user": to.user, "conversation": to.conversation, "text": text}
        )
