"""A user's own Python: a file, or a module that can be imported from where the command runs."""

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from afina.errors import InputError


def import_own(module: str) -> ModuleType:
    """The module of `folder/file.py` or of a dotted name.

    Raises:
        InputError: there is no such file. ImportError: there is no such module. Whatever its code raises.
    """
    path = Path(module)
    if path.suffix == ".py":
        if not path.is_file():
            raise InputError(f"{path}: no such file")
        specification = importlib.util.spec_from_file_location(path.stem, path)
        assert specification is not None
        assert specification.loader is not None
        found = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(found)
        return found
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    return importlib.import_module(module)
