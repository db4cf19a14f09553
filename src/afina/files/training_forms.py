"""Examples in the forms that other trainers read: one JSON object a row.

Forms as their owners document them: OpenAI fine-tuning (`messages`), Alpaca (`instruction`, `input`, `output`), ShareGPT
(`conversations` of `from`, `value`), TRL's preference data (`prompt`, `chosen`, `rejected`) and unpaired preference data
(`prompt`, `completion`, `label`).
"""

from collections.abc import Callable, Iterator
from typing import Any

from afina.records import Example, Turn

SPEAKERS = {"system": "system", "user": "human", "assistant": "gpt"}


def messages(turns: tuple[Turn, ...]) -> list[dict[str, str]]:
    """Turns as messages."""
    return [{"role": turn.role, "content": turn.content} for turn in turns]


def chat(example: Example, prompt: str) -> Iterator[dict[str, Any]]:
    """Messages with document 003's metadata; of a plain text the text."""
    facts, origin = example.facts, example.origin
    metadata = {
        "pii_scrubbed": facts.get("pii_scrubbed"),
        "category": facts.get("category", ""),
        "productName": facts.get("product", ""),
        "qualityScore": facts.get("quality"),
        "evidence": origin.evidence,
        "group": example.group if not example.turns else "",
    }
    said = {"messages": messages(example.chat(prompt))} if example.turns else {"text": example.answer}
    yield {**said, "metadata": {name: value for name, value in metadata.items() if value}}


def openai(example: Example, prompt: str) -> Iterator[dict[str, Any]]:
    """OpenAI's fine-tuning rows."""
    if example.turns:
        yield {"messages": messages(example.chat(prompt))}


def alpaca(example: Example, prompt: str) -> Iterator[dict[str, Any]]:
    """The system turn is the instruction, the last message the input; without a system turn the message is the instruction."""
    turns = example.chat(prompt)
    system = turns[0].content if turns[0].role == "system" else ""
    talk = [turn for turn in turns if turn.role != "system"]
    history = [
        [asked.content, said.content]
        for asked, said in zip(talk[:-2:2], talk[1:-2:2], strict=False)
        if asked.role == "user"
    ]
    row = {
        "instruction": system or example.message,
        "input": example.message if system else "",
        "output": example.answer,
        **({"history": history} if history else {}),
    }
    if example.turns:
        yield row


def sharegpt(example: Example, prompt: str) -> Iterator[dict[str, Any]]:
    """Conversations."""
    if example.turns:
        turns = example.chat(prompt)
        yield {"conversations": [{"from": SPEAKERS.get(turn.role, turn.role), "value": turn.content} for turn in turns]}


def dpo(example: Example, prompt: str) -> Iterator[dict[str, Any]]:
    """The correction is chosen, the prediction it corrected rejected; only corrections make a pair."""
    if example.turns and example.origin.predicted:
        *asked, answer = example.chat(prompt)
        yield {
            "prompt": messages(tuple(asked)),
            "chosen": messages((answer,)),
            "rejected": messages((Turn("assistant", example.origin.predicted),)),
        }


def kto(example: Example, prompt: str) -> Iterator[dict[str, Any]]:
    """The right answer is wanted, a corrected prediction is not."""
    if not example.turns:
        return
    *asked, answer = example.chat(prompt)
    told = [(answer.content, True), *([(example.origin.predicted, False)] if example.origin.predicted else [])]
    for content, wanted in told:
        completion = messages((Turn("assistant", content),))
        yield {"prompt": messages(tuple(asked)), "completion": completion, "label": wanted}


FORMS: dict[str, Callable[[Example, str], Iterator[dict[str, Any]]]] = {
    "chat": chat, "openai": openai, "alpaca": alpaca, "sharegpt": sharegpt, "dpo": dpo, "kto": kto,
}  # fmt: skip
