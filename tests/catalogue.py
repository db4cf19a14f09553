"""The catalogue of texts: every message that a person may meet, drawn from the source, and its Spanish.

`python -m tests.catalogue` writes `src/afina/locale/es/LC_MESSAGES/afina.po` anew (translations are kept, new messages are
empty) and compiles it. A test compares the three: source, .po, .mo.
"""

import ast
import io
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

SOURCE = Path(__file__).parents[1] / "src" / "afina"
PO = SOURCE / "locale" / "es" / "LC_MESSAGES" / "afina.po"
PAGES = SOURCE / "web" / "texts.toml"
SENTENCES = (
    "capture/recorder.py", "cli/demo.py", "cli/doctor.py", "cli/main.py", "cli/plan.py", "cli/terminal.py", "cli/train.py",
    "curate/curate.py", "demo/story.py", "evaluate/sets.py", "export/converter.py", "export/export.py", "files/damage.py",
    "files/rows.py", "files/text_files.py", "flows/collect.py", "flows/evaluate.py", "flows/export.py", "flows/freeze.py",
    "flows/corrections.py", "flows/evidence.py", "flows/give_way.py", "flows/opponent.py", "flows/rollouts.py", "flows/train.py", "loop/policy.py",
    "loop/alarm.py", "loop/report.py", "loop/turn.py", "cli/canary.py", "cli/loop.py", "release/decide.py", "release/measures.py",
    "runtime/client.py", "runtime/process.py", "settings/train.py", "store/cluster.py", "tasks/chat.py", "tasks/class_names.py",
    "tasks/classify.py", "tasks/rules.py", "tasks/structured.py", "train/divergence.py", "train/encode.py", "train/plan.py",
    "verdict/caveats.py", "verdict/decide.py", "wiring/gateway.py",
)  # fmt: skip
"""Modules whose sentences people read wherever they stand, not only in errors."""
WORDS = 3
"""A string of fewer words is taken for a name, not for a sentence."""
NO_SENTENCE = re.compile(
    r"SELECT |host=127|\{[%{]|^# The demo's|Taller Nube|^-c |^No space left$|^\x08|%\(asctime\)|^tie_word|^Model has"
)
TABLES = frozenset({"COLUMNS", "INTRODUCTION", "METRIC_NAMES", "MORE", "SHORT_HELP", "WORDS"})
"""Tables of texts in `cli/`: what a key leads to, or every text of a tuple."""
CALLS = frozenset({"t", "stage", "warning", "info", "error", "exception"})
"""Calls whose first argument is a message: `t`, the name of a stage, logging's (`%s` is a place like any other)."""
PYDANTIC = (
    "not given", "unknown key", "Input should be {0}", "Input should be {0}, not {1}", "String should have at least {0} character, not {1}",
    "List should have at least {0} item after validation, not {1}", "{0}: {1}", "`{0}`: {1}", "a valid string", "a valid number",
    "a valid dictionary", "a finite number", "Input should be {0} or {1}, not {2}", "greater than {0}", "greater than or equal to {0}", "less than {0}",
    "less than or equal to {0}", "a valid boolean, unable to interpret input", "a valid integer",
    "a valid integer, unable to parse string as an integer", "a valid number, unable to parse string as a number",
)  # fmt: skip
"""Reasons that pydantic gives, as they are shown."""


def message_of(node: ast.AST) -> str | None:
    """The text of a literal; the places of an f-string or of `%s` as {0}, {1} …"""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if not isinstance(node, ast.JoinedStr):
        return None
    places = iter(range(len(node.values)))
    return "".join(str(part.value) if isinstance(part, ast.Constant) else f"{{{next(places)}}}" for part in node.values)


def numbered(message: str) -> str:
    """logging's `%s` and `%d` as {0}, {1} …"""
    places = iter(range(message.count("%")))
    return re.sub(r"%[sd]|%\.\d+f", lambda _: f"{{{next(places)}}}", message)


def literals(node: ast.AST) -> Iterator[str]:
    """Every whole literal below a node; an f-string's pieces are no literals of their own, what stands in its places is."""
    message = message_of(node)
    if message is not None:
        yield message
        if isinstance(node, ast.JoinedStr):
            for part in node.values:
                if isinstance(part, ast.FormattedValue):
                    yield from (one for one in literals(part.value) if is_sentence(one, least=2))
        return
    if isinstance(node, ast.Call) and name_of(node) == "Field":  # a setting's description: the reference's, in English
        return
    for child in ast.iter_child_nodes(node):
        yield from literals(child)


def is_sentence(text: str, *, least: int = WORDS) -> bool:
    """Whether a string is meant for people."""
    return len(re.findall(r"[A-Za-z]{2,}", text)) >= least and " " in text and not NO_SENTENCE.search(text)


def without_docstrings(tree: ast.Module) -> ast.Module:
    """The same module; strings that stand alone are documentation."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [s for s in node.body if not (isinstance(s, ast.Expr) and message_of(s.value) is not None)]
    return tree


def module_messages(path: Path) -> Iterator[str]:
    """A module's messages: of errors and their remedies, of `t` and of logs, and all sentences where the module is listed."""
    tree = without_docstrings(ast.parse(path.read_text("utf-8")))
    if str(path.relative_to(SOURCE)) in SENTENCES:
        yield from (numbered(one) for one in literals(tree) if is_sentence(one))
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            yield from error_messages(node.exc)
        elif isinstance(node, ast.Call) and name_of(node) in CALLS and node.args:
            yield from map(numbered, filter(None, [message_of(node.args[0])]))
        elif isinstance(node, ast.Assign) and {"remedy", "note"}.intersection(names(node)):
            yield from filter(None, literals(node.value))
        elif isinstance(node, ast.Assign) and path.parent.name == "cli" and TABLES.intersection(names(node)):
            parts = node.value.values if isinstance(node.value, ast.Dict) else [node.value]
            yield from (one for part in parts for one in literals(part) if one)


def error_messages(call: ast.Call) -> Iterator[str]:
    """What an error says and what to do about it."""
    if name_of(call).endswith(("Error", "Problem")):
        for value in [*call.args, *(word.value for word in call.keywords if word.arg == "remedy")]:
            yield from (one for one in literals(value) if is_sentence(one, least=1) or "{" in one)


def names(statement: ast.Assign) -> list[str]:
    """What is assigned to."""
    return [getattr(target, "id", getattr(target, "attr", "")) for target in statement.targets]


def name_of(call: ast.Call) -> str:
    """What is called, without where it comes from."""
    return getattr(call.func, "id", getattr(call.func, "attr", ""))


def messages() -> dict[str, list[str]]:
    """Every message → the modules it is in."""
    found: dict[str, list[str]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        for message in module_messages(path):
            places = found.setdefault(message, [])
            if (place := str(path.relative_to(SOURCE))) not in places:
                places.append(place)
    for text in tomllib.loads(PAGES.read_text("utf-8")).values():
        found.setdefault(text, []).append(PAGES.name)
    for page in sorted(SOURCE.rglob("*.jinja")):
        for text in re.findall(r"""\bt\((?:'([^']+)'|"([^"]+)")\)""", page.read_text("utf-8")):
            found.setdefault("".join(text), []).append(page.name)
    for recipe in sorted(SOURCE.glob("recipes/*.toml")):
        found.setdefault(tomllib.loads(recipe.read_text("utf-8"))["about"], []).append(recipe.name)
    for text in PYDANTIC:
        found.setdefault(text, []).append("pydantic")
    return found


def read_catalogue() -> Catalog:
    """The .po file as it is."""
    with PO.open("rb") as file:
        return read_po(file, locale="es", domain="afina")


def written_catalogue(known: Catalog) -> Catalog:
    """The source's messages with the translations that are known. A term that no rule finds stays while some string is it."""
    catalogue = Catalog(
        locale="es", domain="afina", project="afina", header_comment="# Spanish of afina's messages.", fuzzy=False
    )
    found = messages()
    terms = {text for path in SOURCE.rglob("*.py") for text in literals(ast.parse(path.read_text("utf-8")))}
    for term in (str(entry.id) for entry in known):
        if term in terms and term not in found:
            found[term] = ["term"]
    for text, places in sorted(found.items()):
        entry = known.get(text)
        catalogue.add(text, entry.string if entry else "", auto_comments=[", ".join(places)])
    return catalogue


def as_text(catalogue: Catalog) -> bytes:
    """The .po file."""
    out = io.BytesIO()
    write_po(out, catalogue, width=120, omit_header=True)
    return HEADER.encode() + out.getvalue()


HEADER = """# Spanish of afina's messages. `python -m tests.catalogue` draws the messages from the source; the Spanish is written here.
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Language: es\\n"

"""


def compiled(catalogue: Catalog) -> dict[str, str]:
    """What the .mo file must hold."""
    return {str(entry.id): str(entry.string) for entry in catalogue if entry.id and entry.string}


def main() -> int:
    """Write both files; 1 where translations are missing."""
    catalogue = written_catalogue(read_catalogue())
    PO.write_bytes(as_text(catalogue))
    with PO.with_suffix(".mo").open("wb") as file:
        write_mo(file, catalogue)
    missing = [str(entry.id) for entry in catalogue if entry.id and not entry.string]
    for text in missing:
        print("no Spanish:", repr(text))
    return int(bool(missing))


if __name__ == "__main__":
    sys.exit(main())
