"""The renderer of a base, whatever it is: a model folder's tokenizer, or a GGUF's own through the runtime."""

from pathlib import Path

from afina.chat.render import Renderer, load_renderer
from afina.runtime.vocabulary import gguf_renderer


def renderer_of(base: Path) -> Renderer:
    """Tokenizer and template of a base.

    Raises:
        ModelError: there is no usable tokenizer. TemplateError: there is no chat template.
    """
    return gguf_renderer(base) if base.is_file() else load_renderer(base)
