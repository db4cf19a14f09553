"""A user's own Python: a file, or a module that can be imported from where the command runs."""

import importlib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType

from afina.errors import InputError

LOADED: set[str] = set()
"""Files that were loaded: an error that passes through one of them is its author's."""


def place_of(error: BaseException) -> str:
    """Where in a user's own file an error was raised, as `file.py, line 7`; empty where none is on its way."""
    if isinstance(error, SyntaxError) and error.filename in LOADED:
        return f"{error.filename}, line {error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    return next((f"{one.filename}, line {one.lineno}" for one in reversed(frames) if one.filename in LOADED), "")


def import_own(module: str) -> ModuleType:
    """The module of `folder/file.py` or of a dotted name.

    Raises:
        InputError: there is no such file. ImportError: there is no such module. Whatever its code raises.
    """
    path = Path(module)
    if path.suffix == ".py":
        if not path.is_file():
            raise InputError(f"{path}: no such file")
        LOADED.add(str(path))
        specification = importlib.util.spec_from_file_location(path.stem, path)
        assert specification is not None
        assert specification.loader is not None
        found = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(found)
        return found
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    return importlib.import_module(module)
