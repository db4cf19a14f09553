"""Chat turns → token ids and loss mask, by the model's own chat template.

The prompt and every answer are tokenised apart and joined, because that is what happens when serving: the server
tokenises the prompt alone, the model continues it token by token. A template for which the answer's text does not
simply extend the prompt's text cannot be trained this way and is refused.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import TemplateError as JinjaError

from afina.chat.control import defuse, defuse_turns
from afina.chat.folding import fold_system
from afina.chat.thinking import MARKS, without_thinking
from afina.errors import ModelError, TemplateError, in_short
from afina.records import Turn

THINKING_MARKS = frozenset(mark for pair in MARKS for mark in pair)


@dataclass(frozen=True, slots=True)
class Rendered:
    """Token ids and, of the same length, whether the loss counts each of them."""

    ids: tuple[int, ...]
    supervised: tuple[bool, ...]


class Renderer:
    """One model's tokenizer and template."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        if not tokenizer.chat_template:
            raise TemplateError(
                f"{tokenizer.name_or_path}: the tokenizer has no chat template",
                remedy="use the model's instruct version, or put its chat_template.jinja into the folder",
            )
        self.control = control_tokens(tokenizer)
        self.folded = fold_system(tokenizer)
        """Whether the template has no system turn, so that system texts open the first user turn."""

    def text(self, turns: Sequence[Turn], *, open_answer: bool) -> str:
        """The rendered chat; `open_answer` adds the start of an assistant's turn."""
        messages = [{"role": t.role, "content": t.content} for t in defuse_turns(turns, self.control)]
        try:
            text = self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=open_answer)
        except (JinjaError, ValueError, TypeError) as exc:  # transformers itself refuses an empty conversation
            raise TemplateError(
                f"{self.tokenizer.name_or_path}: the chat template refuses this conversation: {exc}",
                remedy="leave it out, or write its turns as the template wants them (most want user and assistant in turn)",
            ) from exc
        return str(text)

    def ids(self, text: str) -> list[int]:
        """Token ids of rendered text. The template wrote every special token, so none is added."""
        ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids

    def document(self, text: str) -> list[int]:
        """Token ids of a plain text, as the tokenizer opens it. Text that reads like a control token is defused."""
        ids: list[int] = self.tokenizer(defuse(text, self.control))["input_ids"]
        return ids

    def prompt(self, turns: Sequence[Turn]) -> str:
        """What the model reads before it answers."""
        return self.text(turns, open_answer=True)

    def training(self, turns: Sequence[Turn], *, thinking: bool = False, only_last: bool = False) -> Rendered:
        """Ids and mask of a whole chat: only assistant turns, with the token that ends them, are supervised.

        Thinking spans are left out of the answers unless `thinking` says that they are real ones of this model.
        With `only_last` earlier answers are part of the prompt, exactly as the server reads them, and not learnt: what was
        said in a chat is not all worth saying again. Templates that write earlier turns in another way than the last
        (Qwen3's) can be trained so.

        A greeting before anybody asked answers nothing: it is read and not learnt.

        Raises:
            TemplateError: the template refuses the conversation, an answer does not extend its prompt, or the end-of-turn
                token is missing.
        """
        ids: list[int] = []
        mask: list[bool] = []
        done = ""
        turns = turns if thinking else without_thinking(turns)
        last = max((at for at, turn in enumerate(turns) if turn.role == "assistant"), default=-1)
        asked = False
        for at, turn in enumerate(turns):
            asked = asked or turn.role == "user"
            if turn.role != "assistant" or not asked:
                continue
            prompt = self.text(turns[:at], open_answer=True)
            full = self.text(turns[: at + 1], open_answer=False)
            if only_last and at != last:
                continue
            if not prompt.startswith(done) or not full.startswith(prompt):
                raise TemplateError(
                    f"{self.tokenizer.name_or_path}: the chat template rewrites earlier turns, so an answer cannot be "
                    "trained as the continuation of its prompt",
                    remedy="use a template whose answer extends the generation prompt",
                )
            answer = self.until_end_of_turn(full[len(prompt) :])
            for text, supervised in ((prompt[len(done) :], False), (answer, True)):
                part = self.ids(text)
                ids += part
                mask += [supervised] * len(part)
            done = prompt + answer
        return Rendered(tuple(ids), tuple(mask))

    def until_end_of_turn(self, rendered: str) -> str:
        """A rendered answer up to and with the control token that ends it; a template may write more behind.

        Not always the tokenizer's end-of-text token: Gemma ends a turn with `<end_of_turn>`, Phi-3 with `<|end|>`.
        Control tokens inside the answer's own text were defused, so the first one is the template's.
        """
        ends = [rendered.find(token) + len(token) for token in self.control - THINKING_MARKS if token in rendered]
        if not ends:
            raise TemplateError(
                f"{self.tokenizer.name_or_path}: the chat template does not end an answer with a control token such as "
                f"{self.tokenizer.eos_token!r}, so a model trained on it would never stop",
                remedy="set eos_token in tokenizer_config.json to the template's end-of-turn token",
            )
        return rendered[: min(ends)]

    def end_of_turn(self) -> str:
        """The control token with which the template ends an answer, which training teaches.

        Raises:
            TemplateError: there is none.
        """
        probe = (Turn("user", "a"), Turn("assistant", "b"))
        prompt = self.text(probe[:1], open_answer=True)
        answer = self.until_end_of_turn(self.text(probe, open_answer=False)[len(prompt) :])
        return max((token for token in self.control if answer.endswith(token)), key=len)

    def end_id(self) -> int:
        """The id of `end_of_turn`."""
        return int(self.tokenizer.convert_tokens_to_ids(self.end_of_turn()))

    def stops(self) -> tuple[str, ...]:
        """The texts that end an answer: the template's end of turn, and the tokenizer's end of text if it is another."""
        end, own = self.end_of_turn(), self.tokenizer.eos_token
        return (end,) if own is None or str(own) == end else (end, str(own))


def control_tokens(tokenizer: Any) -> frozenset[str]:
    """The texts of a tokenizer's control tokens."""
    added = {str(token) for token in tokenizer.added_tokens_decoder.values() if token.special}
    return frozenset(added | {str(token) for token in tokenizer.all_special_tokens})


def load_renderer(folder: Path) -> Renderer:
    """The renderer of a model folder.

    Raises:
        ModelError: there is no usable tokenizer. TemplateError: there is no chat template.
    """
    if not any((folder / name).is_file() for name in ("tokenizer.json", "tokenizer.model", "vocab.json")):
        raise ModelError(
            f"{folder}: no tokenizer (tokenizer.json, tokenizer.model or vocab.json)",
            remedy="copy the tokenizer files of the model into its folder",
        )
    from transformers import AutoTokenizer  # with it comes torch, 1.8 s: commands that read no tokenizer start without

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise ModelError(f"{folder}: the tokenizer does not load: {in_short(exc)}") from exc
    require_embedded(folder, tokenizer)
    return Renderer(tokenizer)


def require_embedded(folder: Path, tokenizer: Any) -> None:
    """Every token must have a row in the embedding: a token beyond it reads some other memory, or fails in training.

    Raises:
        ModelError: a token has none; names it.
    """
    file = folder / "config.json"
    rows = json.loads(file.read_text("utf-8")).get("vocab_size") if file.is_file() else None
    if not isinstance(rows, int):
        return
    beyond = {text: number for text, number in tokenizer.get_vocab().items() if number >= rows}
    if beyond:
        first = min(beyond, key=lambda text: beyond[text])
        raise ModelError(
            f"{folder}: {len(beyond)} tokens, {first!r} among them, lie beyond the embedding's {rows} rows",
            remedy="resize the model's embedding (resize_token_embeddings) and save it, or remove the added tokens",
        )
