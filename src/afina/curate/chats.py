"""Conversations → answers worth learning, judged by what the customer wrote next."""

from collections.abc import Sequence
from dataclasses import dataclass

from afina.curate.curate import fingerprint
from afina.files.damage import damage
from afina.records import ChatExample, Conversation, Rejection, Turn
from afina.sameness import composed
from afina.settings import ChatSettings
from afina.signals import score_turn


@dataclass(frozen=True, slots=True)
class CuratedChats:
    """What passed and what did not. Together they are as many as there were answers."""

    examples: tuple[ChatExample, ...]
    rejections: tuple[Rejection, ...]


def curate_chats(conversations: Sequence[Conversation], settings: ChatSettings) -> CuratedChats:
    """Score every answer by the turn that followed it; keep good ones, newest first when there are too many.

    Later conversations are newer. An answer nobody reacted to has no evidence and is not kept.
    """
    kept: list[ChatExample] = []
    rejections: list[Rejection] = []
    seen: set[bytes] = set()
    for conversation in reversed(conversations):
        for example, reason in reversed(judge(conversation, settings)):
            key = b"".join(fingerprint(turn.content) for turn in example.turns())
            why = reason or ("exact duplicate of a newer exchange" if key in seen else "")
            if why:
                rejections.append(Rejection(text=example.answer, reason=why, source=example.id))
                continue
            seen.add(key)
            kept.append(example)
    newest, older = kept[: settings.newest], kept[settings.newest :]
    too_old = f"older than the newest {settings.newest}"
    rejections += [Rejection(text=e.answer, reason=too_old, source=e.id) for e in older]
    return CuratedChats(tuple(reversed(newest)), tuple(rejections))


def judge(conversation: Conversation, settings: ChatSettings) -> list[tuple[ChatExample, str]]:
    """Every answer of a conversation with the reason not to learn it; empty where there is none."""
    turns = [Turn(t.role, composed(t.content.strip())) for t in conversation.turns]
    system = [t for t in turns if t.role == "system"] or ([Turn("system", settings.system)] if settings.system else [])
    talk = [t for t in turns if t.role != "system"]
    judged = []
    for at, turn in enumerate(talk):
        if turn.role != "assistant":
            continue
        asked = talk[at - 1].content if at and talk[at - 1].role == "user" else ""
        reaction = talk[at + 1].content if at + 1 < len(talk) and talk[at + 1].role == "user" else ""
        score = score_turn(asked, turn.content, reaction)
        example = ChatExample(
            id=f"{conversation.id}#{at}", context=(*system, *talk[:at]), answer=turn.content, group=conversation.id,
            category=score.category, quality=score.quality, success=score.success, product=conversation.product,
        )  # fmt: skip
        judged.append((example, broken_rule(example, settings, asked=asked, reaction=reaction, rule=score.rules[0])))
    return judged


def broken_rule(example: ChatExample, settings: ChatSettings, *, asked: str, reaction: str, rule: str) -> str:
    """The first rule an answer breaks; empty if none."""
    if not asked:
        return "answers no message"
    if not example.answer:
        return "empty answer"
    if any(len(turn.content) > settings.max_chars for turn in example.turns()):
        return f"longer than {settings.max_chars} characters"
    if broken := next((found for turn in example.turns() if (found := damage(turn.content))), ""):
        return broken
    if not reaction:
        return "no reaction to judge it by"
    return f"quality {example.quality} ({rule})" if example.quality < settings.min_quality else ""
