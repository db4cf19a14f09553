"""The house keeps its shape: imports follow the order of the rooms, files and functions stay small."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "afina"
ORDER = [
    "__init__", "errors", "ids", "records", "sameness", "settings", "progress", "files", "store", "privacy", "chat", "signals", "tasks",
    "bases", "runtime", "capture", "knowledge", "synth", "curate", "freeze", "train", "export", "evaluate", "verdict", "release", "serve",
    "lineage", "flows", "jobs", "loop", "demo", "api", "web", "wiring", "cli", "__main__",
]  # fmt: skip
STAGES = {
    "capture", "knowledge", "synth", "curate", "freeze", "train", "export", "evaluate", "verdict", "release", "serve",
}  # fmt: skip
FORBIDDEN = {"utils", "util", "helpers", "common", "manager", "base", "misc"}
FILES = sorted(SOURCE.rglob("*.py"))


def room(path: Path) -> str:
    """The room a file belongs to."""
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def own_imports(path: Path) -> list[tuple[str, bool]]:
    """(room, at top level) of every import of the package."""
    tree = ast.parse(path.read_text("utf-8"))
    top = set(map(id, tree.body))
    found = []
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.ImportFrom) and node.level == 0 and (node.module or "").split(".")[0] == "afina":
            parts = (node.module or "").split(".")
            names = [parts[1]] if len(parts) > 1 else [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name.split(".")[1] for alias in node.names if alias.name.startswith("afina.")]
        found += [
            (name if (SOURCE / name).exists() or (SOURCE / f"{name}.py").exists() else "__init__", id(node) in top)
            for name in names
        ]
    return found


def test_every_room_has_its_place() -> None:
    """A new room must be put into the order on purpose."""
    assert {room(path) for path in FILES} <= set(ORDER)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_imports_go_up_the_order_only(path: Path) -> None:
    """A room imports only from rooms above it, so there is no cycle; and never inside a function."""
    own = room(path)
    for imported, is_top in own_imports(path):
        assert is_top, f"{path.name}: an own import hidden in a function"
        if imported != own:
            assert ORDER.index(imported) < ORDER.index(own), f"{own} imports {imported}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_stage_rooms_do_not_know_one_another(path: Path) -> None:
    """Stages hand over records and ids; the loop closes in the world."""
    if room(path) in STAGES:
        assert not {name for name, _ in own_imports(path)} & (STAGES - {room(path)})


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_files_and_functions_are_small(path: Path) -> None:
    """No file over 600 lines, no function over 60, no name that says nothing."""
    text = path.read_text("utf-8")
    assert text.count("\n") <= 600
    assert path.stem not in FORBIDDEN
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= 60, f"{node.name} has {length} lines"


def test_long_functions_are_rare() -> None:
    """At most 2 % of the functions are longer than 45 lines."""
    lengths = [
        (n.end_lineno or 0) - n.lineno + 1
        for path in FILES
        for n in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
    ]

    assert sum(length > 45 for length in lengths) <= 0.02 * len(lengths)
