"""A chat template's Jinja → the Go template that Ollama uses, found by rendering probes.

What stands around each role's content is read off rendered probes; the parts are only believed when put together they
render other chats exactly as the Jinja template does. A template that says more than that (dates, tools) gets none.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from afina.chat.render import Renderer
from afina.errors import TemplateError
from afina.records import Turn

SYSTEM, USER, ANSWER, AGAIN = "Sxyzzy", "Uxyzzy", "Axyzzy", "Vxyzzy"
PROBES: tuple[tuple[Turn, ...], ...] = (
    (Turn("user", "hola"),),
    (Turn("system", "breve"), Turn("user", "hola")),
    (Turn("user", "uno"), Turn("assistant", "dos"), Turn("user", "tres")),
    (
        *(Turn("system", "s s"), Turn("user", "u"), Turn("assistant", "a"), Turn("user", "v")),
        *(Turn("assistant", "b"), Turn("user", "w")),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatForm:
    """What a template writes before and after each role's content, and to open an answer.

    `folded`: there is no system turn; its content opens the first user turn, followed by `system[1]`.
    """

    start: str
    system: tuple[str, str]
    user: tuple[str, str]
    answer: tuple[str, str]
    go: str
    folded: bool

    def render(self, turns: Sequence[Turn]) -> str:
        """What the Go template writes for a chat: tested against the Jinja template before it is believed."""
        text, opened = self.start, False
        for turn in turns:
            if turn.role == "system":
                text += self.system[0] + turn.content + self.system[1]
                opened = self.folded
            elif turn.role == "user":
                text += ("" if opened else self.user[0]) + turn.content + self.user[1]
                opened = False
            else:
                text += self.answer[0] + turn.content + self.answer[1]
        return text + self.go

    def go_template(self) -> str:
        """The same as a Go template over Ollama's `.Messages`."""
        user = f"{literal(self.user[0])}{{{{ .Content }}}}{literal(self.user[1])}"
        system = f"{literal(self.system[0])}{{{{ .Content }}}}{literal(self.system[1])}"
        declared = ""
        if self.folded:
            declared = "{{- $open := false }}"
            system += "{{ $open = true }}"
            user = (
                f"{{{{ if not $open }}}}{literal(self.user[0])}{{{{ end }}}}{{{{ .Content }}}}{literal(self.user[1])}"
                "{{ $open = false }}"
            )
        return (
            f"{declared}{literal(self.start)}{{{{- range .Messages }}}}"
            f'{{{{ if eq .Role "system" }}}}{system}'
            f'{{{{ else if eq .Role "user" }}}}{user}'
            f'{{{{ else if eq .Role "assistant" }}}}{literal(self.answer[0])}{{{{ .Content }}}}{literal(self.answer[1])}'
            f"{{{{ end }}}}{{{{ end }}}}{literal(self.go)}"
        )


def literal(text: str) -> str:
    """Text for a Go template inside a Modelfile's triple quotes: braces and outer blanks survive as string actions."""
    if "{{" in text or '"""' in text or text != text.strip(" \t"):
        return '{{ "' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '" }}'
    return text


def around(text: str, content: str) -> tuple[str, str]:
    """What stands before and after the only place of a content."""
    before, _, after = text.partition(content)
    return before, after


def read_form(renderer: Renderer, *, adds_bos: bool) -> ChatForm | None:
    """The form of a model's chats, or None where parts put together do not render what its template renders.

    Args:
        adds_bos: whether the runtime puts the begin-of-text token in front of a prompt by itself.
    """
    try:
        form = guess_form(renderer, adds_bos=adds_bos)
        expected = [form.start + without_bos(renderer, renderer.prompt(chat)) for chat in PROBES]
    except (TemplateError, ValueError):
        return None
    return form if [form.render(chat) for chat in PROBES] == expected else None


def guess_form(renderer: Renderer, *, adds_bos: bool) -> ChatForm:
    """Parts of the form from three renderings.

    Raises:
        ValueError: the renderings do not share what parts would share.
    """
    user = Turn("user", USER)
    alone = without_bos(renderer, renderer.prompt([user]))
    bare = without_bos(renderer, renderer.text([user], open_answer=False))
    before, after = around(bare, USER)
    go = alone[len(bare) :] if alone.startswith(bare) else ""
    talk = without_bos(renderer, renderer.prompt([user, Turn("assistant", ANSWER), Turn("user", AGAIN)]))
    between = talk[talk.index(USER) + len(USER) : talk.index(ANSWER)]
    behind = talk[talk.index(ANSWER) + len(ANSWER) : talk.index(AGAIN)]
    user_after = after if between.startswith(after) else common_prefix(between, alone[len(before) + len(USER) :])
    user_before = before
    if not behind.endswith(user_before):
        raise ValueError("the first user turn is opened in another way than later ones")
    told = without_bos(renderer, renderer.prompt([Turn("system", SYSTEM), user]))
    system_before = told[: told.index(SYSTEM)]
    gap = told[told.index(SYSTEM) + len(SYSTEM) : told.index(USER)]
    folded = not (gap.endswith(user_before) and system_before != user_before)
    return ChatForm(
        start="" if adds_bos else written_bos(renderer),
        system=(system_before, gap if folded else gap[: len(gap) - len(user_before)]),
        user=(user_before, user_after),
        answer=(between[len(user_after) :], behind[: len(behind) - len(user_before)]),
        go=go,
        folded=folded,
    )


def without_bos(renderer: Renderer, text: str) -> str:
    """Without the begin-of-text token that a template may write first."""
    return text.removeprefix(str(renderer.tokenizer.bos_token)) if renderer.tokenizer.bos_token else text


def written_bos(renderer: Renderer) -> str:
    """The begin-of-text token, if the template writes it."""
    bos = renderer.tokenizer.bos_token
    return str(bos) if bos and renderer.prompt(PROBES[0]).startswith(str(bos)) else ""


def common_prefix(a: str, b: str) -> str:
    """The longest start that two texts share."""
    size = next((at for at, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    return a[:size]
