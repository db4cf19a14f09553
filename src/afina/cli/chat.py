"""`chat`."""

import click
import httpx

from afina.cli.terminal import OUT, escape
from afina.errors import RuntimeFailedError
from afina.texts import t

Turns = list[dict[str, str]]


@click.command(
    "chat",
    help=t(
        "Ask the running gateway, line by line; earlier lines are part of the conversation where answers are texts. An empty line ends it."
    ),
)
@click.option("--url", default="http://127.0.0.1:8080", show_default=True, help=t("the gateway"))
@click.option("--user", default="terminal", show_default=True, help=t("decides which version answers"))
@click.argument("text", required=False)
def chat_command(url: str, user: str, text: str | None) -> None:
    """Chat."""
    with httpx.Client(base_url=url, timeout=120) as http:
        if text is not None:
            OUT.print(answer(http, [], text, user=user), soft_wrap=True)
            return
        turns: Turns = []
        while True:
            try:
                line = click.prompt("›", prompt_suffix=" ", default="", show_default=False)
            except click.exceptions.Abort:
                return
            if not line.strip():
                return
            OUT.print(answer(http, turns, line, user=user), soft_wrap=True)


def answer(http: httpx.Client, turns: Turns, text: str, *, user: str) -> str:
    """One answer of the gateway. `turns` are added to, where the answer is a text and not a structure.

    Raises:
        RuntimeFailedError: there is no gateway, or it refuses.
    """
    asked = [*turns, {"role": "user", "content": text}]
    try:
        reply = http.post("/v1/answer", json={"messages": asked, "user": user, "conversation": f"chat-{user}"})
    except httpx.HTTPError as exc:
        raise RuntimeFailedError(f"no gateway at {http.base_url}", remedy="start one: `afina serve`") from exc
    if reply.status_code != httpx.codes.OK:
        raise RuntimeFailedError(f"the gateway refused: {reply.text[:300]}", remedy="`afina status` says what is live")
    value = reply.json()
    if value["value"] is None:
        turns += [asked[-1], {"role": "assistant", "content": value["answer"]}]
    return f"{escape(value['answer'])}  [dim]{value['model']} {value['interaction']}[/]"
