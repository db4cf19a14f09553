"""Chat templates without a system turn: the system text opens the first user turn, as the families' users write it.

Published templates refuse the role (Gemma 2, Mistral 0.1), drop its text without a word, or write it beside the last
user turn only, so that no answer extends its prompt (Mistral 0.3). The template itself is
changed, in the folder and in the served file, so that training, evaluation and every server read the same.
"""

from typing import Any

from jinja2 import TemplateError as JinjaError

SYSTEM, USER = "Sxyzzy", "Uxyzzy"
JOINT = "\n\n"
"""What stands between the two texts. A GGUF's template is not changed, so there it is what the runtime puts where one refuses the role."""
FOLD = (
    "{%- if messages and messages[0]['role'] == 'system' -%}"
    "{%- if messages|length > 1 and messages[1]['role'] == 'user' -%}"
    "{%- set messages = [{'role': 'user', 'content': messages[0]['content'] + 'JOINT' + messages[1]['content']}] + messages[2:] -%}"
    "{%- else -%}"
    "{%- set messages = [{'role': 'user', 'content': messages[0]['content']}] + messages[1:] -%}"
    "{%- endif -%}{%- endif -%}"
)


def fold_system(tokenizer: Any) -> bool:
    """Let the tokenizer's template fold system texts, where it has no place for them. True if it had none."""
    template = tokenizer.chat_template
    if not isinstance(template, str) or keeps_system(tokenizer) or not renders(tokenizer, [turn("user", USER)]):
        return False
    refused = not renders(tokenizer, [turn("system", SYSTEM), turn("user", USER)])
    joint = getattr(tokenizer, "system_joint", JOINT) if refused else JOINT
    tokenizer.chat_template = FOLD.replace("JOINT", joint) + template
    if keeps_system(tokenizer):
        return True
    tokenizer.chat_template = template
    return False


def keeps_system(tokenizer: Any) -> bool:
    """Whether a system text is in what the template renders, and stays there when the answer follows."""
    asked = [turn("system", SYSTEM), turn("user", USER)]
    prompt = renders(tokenizer, asked)
    answered = renders(tokenizer, [*asked, turn("assistant", "a")], open_answer=False)
    return SYSTEM in prompt and answered.startswith(prompt)


def renders(tokenizer: Any, messages: list[dict[str, str]], *, open_answer: bool = True) -> str:
    """The rendered messages; empty where the template refuses them."""
    try:
        return str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=open_answer))
    except (JinjaError, ValueError, TypeError):
        return ""


def turn(role: str, content: str) -> dict[str, str]:
    """One message."""
    return {"role": role, "content": content}
