"""Chat examples → a frozen, content-addressed dataset, split by conversation."""

import json
from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b

from afina.errors import NotEnoughDataError
from afina.freeze.freeze import split_parts
from afina.ids import DatasetId
from afina.records import ChatDataset, ChatExample, Split
from afina.settings import FreezeSettings


def freeze_chats(
    examples: Sequence[ChatExample],
    settings: FreezeSettings,
    *,
    task: str,
    system: str,
    test: Sequence[ChatExample] | None = None,
) -> ChatDataset:
    """Split by conversation, in the proportions of the categories, and name the result by its content.

    Raises:
        NotEnoughDataError: too few examples, or all from one conversation.
    """
    if len(examples) < settings.min_examples:
        raise NotEnoughDataError(
            f"{len(examples)} usable answers, at least {settings.min_examples} are needed",
            remedy="the rejects file says why others were not used; collect more conversations, or lower chat.min_quality",
        )
    rest = sorted(examples, key=lambda e: e.id)
    found = split_parts([e.group for e in rest], [e.category for e in rest], settings, held_out=test is None)
    train, validation, drawn = ([rest[at] for at in found[part]] for part in Split)
    held_out = drawn if test is None else sorted(test, key=lambda e: e.id)
    parts = {"train": train, "validation": validation, "test": held_out}
    content = {name: [[[t.role, t.content] for t in e.turns()] for e in part] for name, part in parts.items()}
    digest = blake2b(json.dumps(content, ensure_ascii=False).encode(), digest_size=10).hexdigest()
    card = {
        "rows": {name: len(part) for name, part in parts.items()},
        "groups": {name: len({e.group for e in part}) for name, part in parts.items()},
        "categories": {name: dict(Counter(e.category for e in part)) for name, part in parts.items()},
        "qualities": dict(Counter(str(e.quality) for e in examples)),
        "split": settings.model_dump(),
    }
    return ChatDataset(
        id=DatasetId(f"dat_{digest}"), task=task, system=system, train=tuple(train), validation=tuple(validation),
        test=tuple(held_out), card=card,
    )  # fmt: skip


def as_jsonl(examples: Sequence[ChatExample]) -> str:
    """Document 003's training file: a chat and its metadata on each line."""
    return "".join(
        json.dumps(
            {
                "messages": [{"role": turn.role, "content": turn.content} for turn in example.turns()],
                "metadata": {
                    "category": example.category, "productName": example.product, "qualityScore": example.quality,
                },
            },
            ensure_ascii=False,
        )
        + "\n"
        for example in examples
    )  # fmt: skip
