"""Where people write. A kind of channel is a folder of pure functions: body → messages and events, reply → request. Opens no socket."""

from afina.channels.message import Access, Arrived, Channel, Event, Incoming, Outgoing, parts
from afina.channels.telegram import Telegram
from afina.channels.web import Web
from afina.channels.webhook import Webhook
from afina.channels.whatsapp import WhatsApp

KINDS: dict[str, Channel] = {one.name: one for one in (Telegram(), WhatsApp(), Webhook(), Web())}

__all__ = ["KINDS", "Access", "Arrived", "Channel", "Event", "Incoming", "Outgoing", "parts"]
