"""The Modelfile with which Ollama serves the same GGUF."""

from dataclasses import dataclass

from afina.chat.render import Renderer
from afina.export.gotemplate import read_form
from afina.runtime import TEMPERATURE, TOP_K, TOP_P


@dataclass(frozen=True, slots=True)
class Source:
    """What is served: a file, perhaps with an adapter on it; and the context that it was checked with, tokens."""

    file: str
    adapter: str = ""
    context: int = 4096


def write_modelfile(source: Source, renderer: Renderer, *, system: str, adds_bos: bool) -> str:
    """The Modelfile's text. Sampling values are document 001's.

    The TEMPLATE is written only where it is known to render what training rendered; otherwise Ollama's own detection
    is left to work, and a comment says so.

    Args:
        adds_bos: whether the runtime puts the begin-of-text token in front of a prompt by itself.
    """
    form = read_form(renderer, adds_bos=adds_bos)
    template = (
        f'TEMPLATE """{form.go_template()}"""'
        if form
        else "# No TEMPLATE: this chat template has no checked Go form; Ollama detects known ones itself."
    )
    lines = [
        f"FROM {source.file}",
        *([f"ADAPTER {source.adapter}"] if source.adapter else []),
        template,
        system_line(system),
        *(f'PARAMETER stop "{stop}"' for stop in renderer.stops()),
        # Without it Ollama takes its own default, which is shorter than many prompts, and cuts them without a word.
        f"PARAMETER num_ctx {source.context}",
        f"PARAMETER temperature {TEMPERATURE}",
        f"PARAMETER top_p {TOP_P}",
        f"PARAMETER top_k {TOP_K}",
    ]
    return "\n".join(lines) + "\n"


def system_line(system: str) -> str:
    """The SYSTEM instruction; a Modelfile has no way to write three quotes inside a text."""
    if not system:
        return "# No SYSTEM: the prompt comes with the request."
    return f'SYSTEM """{system}"""' if '"""' not in system else "# No SYSTEM: it has three quotes in a row."
