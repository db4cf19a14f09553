"""Telegram's Bot API: updates by webhook, answers by `sendMessage` (core.telegram.org/bots/api)."""

import hmac
from collections.abc import Mapping
from typing import Any

from afina.channels.message import Access, Arrived, Event, Incoming, Outgoing
from afina.files.loose_json import text_at

SECRET_HEADER = "x-telegram-bot-api-secret-token"  # noqa: S105
MESSAGES = ("message", "channel_post")
EDITED = ("edited_message", "edited_business_message", "edited_channel_post")
MEDIA = (
    "photo", "voice", "audio", "video", "video_note", "animation", "document", "sticker", "location", "venue", "contact", "poll", "dice", "story",
)  # fmt: skip


class Telegram:
    """See `Channel`."""

    name = "telegram"
    url = "https://api.telegram.org"

    def is_signed(self, raw: bytes, headers: Mapping[str, str], access: Access) -> bool:
        """The secret that was given to `setWebhook` comes back in a header."""
        del raw
        return hmac.compare_digest(headers.get(SECRET_HEADER, "").encode(), access.secret.encode())

    def read(self, body: Any) -> Arrived:
        """One update: a message, a button that was pressed, or something else."""
        if not isinstance(body, dict):
            return Arrived()
        update = text_at(body, "update_id")
        for name in MESSAGES:
            if isinstance(body.get(name), dict):
                return self.message(body[name], update)
        pressed = body.get("callback_query")
        if isinstance(pressed, dict) and isinstance(pressed.get("message"), dict):
            return self.pressed(pressed)
        kind = next((name for name in body if name != "update_id"), "nothing")
        known = "edited" if kind in EDITED else "unsupported"
        return Arrived(events=[Event(id=f"update:{update}", kind=known, detail={"update": kind})])

    def message(self, message: dict[str, Any], update: str) -> Arrived:
        """A message of a person; of media the caption is its text. Without a sender or an id it is an event."""
        chat, sender = text_at(message, "chat", "id"), text_at(message, "from", "id")
        number = text_at(message, "message_id")
        kind = next((name for name in MEDIA if message.get(name)), "text")
        text = text_at(message, "text") or text_at(message, "caption")
        if not chat or not number or (not text and kind == "text"):
            service = next((name for name in message if name not in {"message_id", "from", "chat", "date"}), "nothing")
            return Arrived(events=[Event(id=f"update:{update}", kind="unsupported", detail={"message": service})])
        if is_bot(message.get("from")):
            return Arrived(events=[Event(id=f"update:{update}", kind="bot")])
        incoming = Incoming(
            id=f"{chat}:{number}",
            user=sender or chat,
            conversation=chat,
            text=text,
            kind="image" if kind == "photo" else kind,
        )
        return Arrived(messages=[incoming])

    def pressed(self, pressed: dict[str, Any]) -> Arrived:
        """A button under a message: its data is what was said."""
        chat = text_at(pressed, "message", "chat", "id")
        sender, data = text_at(pressed, "from", "id"), text_at(pressed, "data")
        if not chat or not data:
            return Arrived(events=[Event(id=f"callback:{text_at(pressed, 'id')}", kind="unsupported")])
        identity = f"callback:{text_at(pressed, 'id')}"
        return Arrived(
            messages=[Incoming(id=identity, user=sender or chat, conversation=chat, text=data, kind="button")]
        )

    def send(self, to: Incoming, text: str, access: Access) -> Outgoing:
        """`sendMessage` into the chat; plain text, because a model's Markdown is often broken and then refused."""
        return Outgoing(
            url=f"{access.url or self.url}/bot{access.token}/sendMessage",
            body={"chat_id": to.conversation, "text": text, "link_preview_options": {"is_disabled": True}},
        )


def is_bot(sender: Any) -> bool:
    """Whether a program wrote it."""
    return isinstance(sender, dict) and sender.get("is_bot") is True
