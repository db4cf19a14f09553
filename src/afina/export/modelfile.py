"""The Modelfile with which Ollama serves the same GGUF."""

from afina.chat.render import Renderer
from afina.records import Turn

CHATML_GO = "{{- range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n{{ end }}<|im_start|>assistant\n"
PROBE = (Turn("system", "s"), Turn("user", "u"), Turn("assistant", "a"), Turn("user", "v"))


def is_chatml(renderer: Renderer) -> bool:
    """Whether the model's template is plain ChatML, judged by what it renders."""
    expected = "".join(f"<|im_start|>{t.role}\n{t.content}<|im_end|>\n" for t in PROBE) + "<|im_start|>assistant\n"
    return renderer.prompt(PROBE) == expected


def write_modelfile(gguf_name: str, renderer: Renderer, *, system: str) -> str:
    """The Modelfile's text. Sampling values are document 001's.

    The TEMPLATE is written only where it is known to render what training rendered; otherwise Ollama's own detection
    is left to work, and a comment says so.
    """
    stop = str(renderer.tokenizer.eos_token)
    lines = [f"FROM ./{gguf_name}"]
    if is_chatml(renderer):
        lines.append(f'TEMPLATE """{CHATML_GO}"""')
    else:
        lines.append("# No TEMPLATE: this chat template has no checked Go form yet; Ollama detects known ones itself.")
    lines += [
        f'SYSTEM """{system}"""' if system else "# No SYSTEM: the prompt comes with the request.",
        f'PARAMETER stop "{stop}"',
        "PARAMETER temperature 0.7",
        "PARAMETER top_p 0.9",
        "PARAMETER top_k 40",
    ]
    return "\n".join(lines) + "\n"
