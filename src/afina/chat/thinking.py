"""Thinking spans of reasoning models: found, left out of answers and of training targets.

A span is `<think>…</think>` (Qwen3, deepseek-r1) or `[THINK]…[/THINK]` (Ministral-3). Some templates open it in the
prompt, so that an answer may begin inside one; an answer cut short may never close one.
"""

import re
from collections.abc import Sequence

from afina.records import Turn

MARKS = (("<think>", "</think>"), ("[THINK]", "[/THINK]"))
WHOLE = re.compile(r"<think>.*?</think>\s*|\[THINK\].*?\[/THINK\]\s*", re.DOTALL)


def strip_thinking(text: str) -> str:
    """The answer without what the model thought: whole spans, one that began in the prompt, one that never ends."""
    text = WHOLE.sub("", text)
    for opened, closed in MARKS:
        text = text.rpartition(closed)[2].lstrip() if closed in text else text
        text = text.partition(opened)[0]
    return text


def without_thinking(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """Turns whose assistant answers have no thinking: invented chains of thought teach a model to pretend."""
    return tuple(Turn(t.role, strip_thinking(t.content)) if t.role == "assistant" else t for t in turns)


class ThinkingFilter:
    """`strip_thinking` for a text that arrives in pieces: holds back only what may be the start of a mark.

    A span that the prompt opened cannot be told from an answer before it closes, so it is shown; llama.cpp itself takes such
    spans out for the templates it knows.
    """

    def __init__(self) -> None:
        self.pending = ""
        self.closing = ""
        self.behind_span = False

    def feed(self, piece: str) -> str:
        """The visible part of what has arrived so far and was not given out yet."""
        self.pending += piece
        shown = ""
        while self.pending:
            if self.closing:
                _, found, tail = self.pending.partition(self.closing)
                if not found:
                    self.pending = self.pending[-len(self.closing) + 1 :]
                    return shown
                self.pending, self.closing, self.behind_span = tail, "", True
                continue
            if self.behind_span:
                self.pending = self.pending.lstrip()
                self.behind_span = not self.pending
                continue
            starts = [(self.pending.find(opened), opened, closed) for opened, closed in MARKS if opened in self.pending]
            if not starts:
                keep = held_back(self.pending)
                shown += self.pending[: len(self.pending) - keep]
                self.pending = self.pending[len(self.pending) - keep :]
                return shown
            at, opened, self.closing = min(starts)
            shown, self.pending = shown + self.pending[:at], self.pending[at + len(opened) :]
        return shown

    def end(self) -> str:
        """What was held back and turned out to be text."""
        rest = "" if self.closing else self.pending
        self.pending = ""
        return rest


def held_back(text: str) -> int:
    """Length of the longest end of `text` that may grow into an opening mark."""
    return max(
        (size for opened, _ in MARKS for size in range(1, len(opened)) if text.endswith(opened[:size])), default=0
    )
