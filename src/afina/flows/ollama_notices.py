"""What an Ollama model says beside its GGUF and what becomes of it here: the GGUF's own template and nothing else is trained and served."""

from afina.bases.ollama import PREFIX, OllamaModel, find_ollama
from afina.chat.go_template import render_ollama
from afina.errors import AfinaError, TemplateError
from afina.export.gotemplate import common_prefix, without_bos
from afina.records import Turn
from afina.runtime.renderer import renderer_of

CHATS = (
    (Turn("user", "one"),),
    (Turn("system", "rule"), Turn("user", "one")),
    (Turn("user", "one"), Turn("assistant", "two"), Turn("user", "three")),
)
SHOWN = 40
"""Characters of a difference that are quoted."""


def ollama_notices(name: str) -> list[str]:
    """Sentences about a base's layers; none for a base that is not Ollama's.

    Raises:
        ModelError: see `find_ollama`.
    """
    if not name.startswith(PREFIX):
        return []
    model = find_ollama(name.removeprefix(PREFIX))
    said = []
    if model.system.strip():
        text = " ".join(model.system.split())
        said.append(
            f"{name} has a system text in Ollama ({text[:SHOWN]!r}), which is no part of its file: it is neither trained nor served with it"
        )
    if model.template.strip() and (difference := template_difference(model)):
        said.append(f"{name}: {difference}; the file's is trained and served, and goes into the Modelfile")
    return said


def template_difference(model: OllamaModel) -> str:
    """Where Ollama's template first writes a chat otherwise than the file's; "" where it does not."""
    renderer = renderer_of(model.gguf)
    for chat in CHATS:
        try:
            theirs = without_bos(renderer, render_ollama(model.template, chat))
        except TemplateError as exc:
            return f"Ollama's template was not compared with the file's: {exc}"
        try:
            own = without_bos(renderer, renderer.prompt(chat))
        except AfinaError:  # a chat that the file's template refuses is not trained
            continue
        if theirs != own:
            at = len(common_prefix(theirs, own))
            return (
                f"Ollama's template renders {' + '.join(turn.role for turn in chat)} otherwise than the file's: after "
                f"{own[max(0, at - SHOWN) : at]!r} it has {theirs[at : at + SHOWN]!r}, the file's {own[at : at + SHOWN]!r}"
            )
    return ""
