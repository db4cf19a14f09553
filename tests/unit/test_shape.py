"""The house keeps its shape: imports follow the order of the rooms, files and functions stay small."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from afina.loop.policy import LOOP
from afina.loop.turn import ACTS

SOURCE = Path(__file__).parents[2] / "src" / "afina"
ORDER = [
    "__init__", "client", "errors", "ids", "texts", "tracing", "records", "sameness", "likeness", "settings", "progress", "priority", "files", "store", "privacy", "chat", "signals", "channels", "tasks", "roles",
    "bases", "runtime", "capture", "knowledge", "synth", "curate", "freeze", "train", "export", "evaluate", "verdict", "release", "serve",
    "lineage", "flows", "jobs", "loop", "demo", "api", "web", "wiring", "cli", "__main__",
]  # fmt: skip
STAGES = {
    "capture", "knowledge", "synth", "curate", "freeze", "train", "export", "evaluate", "verdict", "release", "serve",
}  # fmt: skip
FORBIDDEN = {"utils", "util", "helpers", "common", "manager", "base", "misc"}
HEAVY = {"torch", "transformers", "peft", "sklearn", "matplotlib"}
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


TORCHS = {"train/kernels.py", "train/loss.py", "train/segments.py"}
"""Files whose functions have the arguments that torch gives them (autograd functions, the attention interface)."""
MOST_LINES, MOST_ARGUMENTS = 60, 5


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a file."""
    tree = ast.parse(path.read_text("utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines as the formatter lays them out, the docstring included."""
    return (node.end_lineno or 0) - node.lineno + 1


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_files_and_functions_are_small(path: Path) -> None:
    """No file over 600 lines, no function over 60, no name that says nothing."""
    assert path.read_text("utf-8").count("\n") <= 600
    assert path.stem not in FORBIDDEN
    for node in functions(path):
        assert length(node) <= MOST_LINES, f"{node.name} has {length(node)} lines"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_functions_take_few_arguments(path: Path) -> None:
    """At most five; more are a record. A command's are its options, which click gives it."""
    if str(path.relative_to(SOURCE)) in TORCHS:
        return
    for node in functions(path):
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        own = [one.arg for one in arguments if one.arg not in {"self", "cls"}]
        is_command = any("click" in ast.dump(decorator) for decorator in node.decorator_list)
        assert is_command or len(own) <= MOST_ARGUMENTS, f"{node.name}({', '.join(own)})"


def test_long_functions_are_rare() -> None:
    """At most 2 % of the functions are longer than 45 lines."""
    lengths = [length(node) for path in FILES for node in functions(path)]

    assert sum(lines > 45 for lines in lengths) <= 0.02 * len(lengths)


ALL = [path for root in ("src", "tests", "bench") for path in sorted((SOURCE.parents[1] / root).rglob("*.py"))]


@pytest.mark.parametrize("path", ALL, ids=lambda p: str(p.relative_to(SOURCE.parents[1])))
def test_only_tables_are_kept_from_the_formatter(path: Path) -> None:
    """A dense table of data reads better by hand; a call does not. So lengths above are those of formatted code."""
    text = path.read_text("utf-8")
    skipped = {at for at, line in enumerate(text.splitlines(), start=1) if line.rstrip().endswith("# fmt:" + " skip")}
    if "# fmt: " + "off" in text:
        pytest.fail("fmt: off")
    tables = {
        node.end_lineno
        for node in ast.parse(text).body
        if isinstance(node, ast.Assign | ast.AnnAssign) and is_table(node.value)
    }
    assert skipped <= tables, f"lines {sorted(skipped - tables)}"


def is_table(value: ast.expr | None) -> bool:
    """A literal, or a set of one."""
    if isinstance(value, ast.Call):
        return isinstance(value.func, ast.Name) and value.func.id in {"frozenset", "dict", "tuple", "set"}
    return isinstance(value, ast.Dict | ast.List | ast.Tuple | ast.Set)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_paths_of_a_project_are_built_in_one_file(path: Path) -> None:
    """Backup and garbage collection go by the same list."""
    if room(path) == "store":  # where the cluster itself lies is its own matter
        return
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            below = isinstance(node.left, ast.Attribute) and node.left.attr == "data"
            named = isinstance(node.right, ast.Constant)
            assert not (below and named), f"line {node.lineno}: a folder below `data`"
            assert not (named and node.right.value == ".afina"), f"line {node.lineno}: `.afina`"  # type: ignore[attr-defined]


LOGIC = 12
"""Statements in functions from which a file is taken to have logic of its own."""
UNMIRRORED = 104
"""Files with logic whose tests stand under another name. It may only become smaller."""


def statements(path: Path) -> int:
    """Statements inside of functions, docstrings aside."""
    return sum(
        isinstance(node, ast.stmt) and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        for function in functions(path)
        for node in ast.walk(function)
    )


def test_files_with_logic_have_a_test_file_of_their_name() -> None:
    """`src/afina/ROOM/NAME.py` → `tests/unit|integration/ROOM/test_NAME.py`: who changes one finds the other."""
    tests = SOURCE.parents[1] / "tests"
    missing = []
    for path in FILES:
        own = path.relative_to(SOURCE)
        mirrored = [tests / kind / own.parent / f"test_{own.stem}.py" for kind in ("unit", "integration")]
        if own.stem != "__init__" and statements(path) >= LOGIC and not any(file.is_file() for file in mirrored):
            missing.append(str(own))

    assert len(missing) <= UNMIRRORED, missing


@pytest.mark.parametrize(
    ("commands", "spared"),
    [
        (["verdict", "status", "import_file", "curate", "release", "review", "models", "chat"], HEAVY),
        (["serve", "doctor"], HEAVY),
        (["evaluate", "export", "freeze"], {"transformers", "peft", "sklearn", "matplotlib"}),
    ],
)
def test_commands_start_without_what_they_may_not_need(commands: list[str], spared: set[str]) -> None:
    """Libraries that take a second and more are loaded where they are used: `afina import` started in 3.6 s, now in 1.1 s."""
    code = f"import sys, {', '.join(f'afina.cli.{name}' for name in commands)}; print(*{spared!r} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == []


def test_the_circle_is_on_one_page() -> None:
    """What follows what is read in one look; for every step of the table there is somebody who does it."""
    page = SOURCE / "loop" / "policy.py"

    assert len(page.read_text("utf-8").splitlines()) <= 150
    assert {step for step, _, _ in LOOP} == {*ACTS, "report"}


def test_nobody_branches_on_a_kind() -> None:
    """Outside of `tasks/` no code knows a kind by its name."""
    names = {"classify", "chat", "structured", "documents"}
    for path in FILES:
        if room(path) in {"tasks", "cli", "demo"}:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Compare) and "kind" in ast.unparse(node.left):
                compared = [one.value for one in node.comparators if isinstance(one, ast.Constant)]
                assert not names & set(map(str, compared)), f"{path.relative_to(SOURCE)}, line {node.lineno}"
