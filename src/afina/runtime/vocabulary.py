"""A GGUF's own tokenizer and chat template, read by the runtime: the ids that training sees are those that the server reads.

A tokenizer that transformers rebuilds from a GGUF splits some texts otherwise than llama.cpp (SmolLM2's digits).
"""

from collections.abc import Sequence
from ctypes import c_int32
from functools import lru_cache
from pathlib import Path
from typing import Any

from afina.chat.render import Renderer
from afina.errors import TemplateError
from afina.runtime.gguf_file import check_gguf
from afina.runtime.llama import library, vocabulary_of

CONTROL = 1 << 3
"""LLAMA_TOKEN_ATTR_CONTROL"""


class GgufTokenizer:
    """What `Renderer` asks of a tokenizer, answered by llama.cpp."""

    system_joint = "\n"
    """What llama.cpp puts between a system text and the first user turn where the template refuses the role (Gemma 2)."""

    def __init__(self, path: Path) -> None:
        check_gguf(path)
        lib = library()
        self.name_or_path = str(path)
        self.model, self.vocabulary = vocabulary_of(path)
        template = lib.llama_model_chat_template(self.model, None)
        self.chat_template = template.decode() if template else ""
        self.size = int(lib.llama_vocab_n_tokens(self.vocabulary))
        self.control = {
            number: self.text_of(number)
            for number in range(self.size)
            if lib.llama_vocab_get_attr(self.vocabulary, number) & CONTROL
        }
        self.all_special_tokens = list(self.control.values())
        self.added_tokens_decoder: dict[int, Any] = {}
        self.bos_token = self.named(lib.llama_vocab_bos)
        self.eos_token = self.named(lib.llama_vocab_eos)
        self.pad_token = self.named(lib.llama_vocab_pad)

    @property
    def eos_token_id(self) -> int:
        """The id of the token that ends a text; -1 where the vocabulary names none."""
        return int(library().llama_vocab_eos(self.vocabulary))

    def get_vocab(self) -> dict[str, int]:
        """Every token's text and id. Made anew each time: it is asked for once a training."""
        return {self.text_of(number): number for number in range(self.size)}

    def named(self, function: Any) -> str | None:
        """The text of a token that the vocabulary names; None where it names none."""
        number = int(function(self.vocabulary))
        return self.text_of(number) if number >= 0 else None

    def text_of(self, number: int) -> str:
        """A token as the vocabulary writes it."""
        return str(library().llama_vocab_get_text(self.vocabulary, number).decode(errors="replace"))

    def __call__(self, text: str, *, add_special_tokens: bool = True) -> dict[str, list[int]]:
        """Token ids; control tokens in the text are read as such."""
        raw = text.encode()
        room = len(raw) + 8
        ids = (c_int32 * room)()
        count = library().llama_tokenize(self.vocabulary, raw, len(raw), ids, room, add_special_tokens, True)
        return {"input_ids": list(ids[:count])}

    def convert_tokens_to_ids(self, token: str) -> int:
        """The id of a control token.

        Raises:
            TemplateError: it is none.
        """
        found = next((number for number, text in self.control.items() if text == token), None)
        if found is None:
            raise TemplateError(f"{self.name_or_path}: {token!r} is no control token of its vocabulary")
        return found

    def apply_chat_template(
        self, messages: Sequence[dict[str, str]], *, tokenize: bool = False, add_generation_prompt: bool = False
    ) -> str:
        """The rendered chat, by the template in the file."""
        from transformers.utils.chat_template_utils import render_jinja_template  # 0.4 s: only where a chat is rendered

        assert not tokenize
        named = {"bos_token": self.bos_token, "eos_token": self.eos_token, "pad_token": self.pad_token}
        render: Any = render_jinja_template  # its annotation says that it returns one text
        texts, _ = render(
            conversations=[list(messages)],
            chat_template=self.chat_template,
            add_generation_prompt=add_generation_prompt,
            **{name: text or "" for name, text in named.items()},
        )
        return str(texts[0])


@lru_cache(maxsize=4)
def gguf_renderer(path: Path) -> Renderer:
    """The renderer of a GGUF.

    Raises:
        ModelError: no whole GGUF, or llama.cpp does not know its tokenizer. TemplateError: it has no chat template.
    """
    return Renderer(GgufTokenizer(path))
