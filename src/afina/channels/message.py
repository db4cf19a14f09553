"""What comes in over a channel and what goes out, whatever the channel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

LONGEST_REPLY = 4000
"""Characters of one message that goes out; Telegram and WhatsApp take 4,096."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A message that wants an answer. `id` is the platform's own: the same message that comes again has it again."""

    id: str
    user: str
    """Of the platform: a phone number, an account. It leaves this record only as a pseudonym."""
    conversation: str
    text: str
    """What was typed, the caption of media, or the title of a button that was pressed."""
    kind: str = "text"
    """text, image, voice, location…"""
    facts: Mapping[str, str] = field(default_factory=dict)
    """What else the platform says that may be recorded: the advertisement that led here, the product that was looked at."""
    to: str = ""
    """Which of our numbers it was sent to."""

    @property
    def has_text(self) -> bool:
        """Whether there is anything that a model could read."""
        return bool(self.text.strip())


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What is only recorded: a status of what we sent, a template's review, a call, a change of number, a form that is not understood."""

    id: str
    kind: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """Everything of one request's body, in its order."""

    messages: Sequence[Incoming] = ()
    events: Sequence[Event] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a channel needs to let in and to send: its secrets, and where its platform is reached."""

    secret: str = ""
    """Signs what comes in."""
    verify: str = ""
    """Answers the platform's question whether this address is ours."""
    token: str = ""
    """Lets us send."""
    url: str = ""
    sender: str = ""
    """Our own id there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One request that sends a reply."""

    url: str
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


class Channel(Protocol):
    """A kind of channel: pure functions over bodies."""

    name: str
    url: str
    """Where its platform is reached, unless settings say otherwise; "" = the reply is the response."""

    def is_signed(self, raw: bytes, headers: Mapping[str, str], access: Access) -> bool:
        """Whether the platform itself sent this."""
        ...

    def read(self, body: Any) -> Arrived:
        """A body as messages and events. What has no form that is known is an event of the kind `unsupported`."""
        ...

    def send(self, to: Incoming, text: str, access: Access) -> Outgoing:
        """The request that answers a message."""
        ...


def parts(text: str) -> list[str]:
    """A reply in pieces that a platform takes, broken at the end of a line or a word."""
    found = []
    while len(text) > LONGEST_REPLY:
        cut = max(text.rfind("\n", 0, LONGEST_REPLY), text.rfind(" ", 0, LONGEST_REPLY))
        cut = cut if cut > LONGEST_REPLY // 2 else LONGEST_REPLY
        found.append(text[:cut].rstrip())
        text = text[cut:].lstrip()
    return [*found, text] if text else found
