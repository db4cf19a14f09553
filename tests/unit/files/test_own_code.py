"""A user's own Python."""

from pathlib import Path

import pytest

from afina.files.own_code import import_own, place_of


def test_an_error_on_its_way_through_ones_own_file_is_placed(tmp_path: Path) -> None:
    """By file and line, the innermost of it; an error of ours has no such place."""
    file = tmp_path / "own.py"
    file.write_text("def said(row):\n    return row['x'] + 1\n", "utf-8")
    own = import_own(str(file))

    with pytest.raises(TypeError) as caught:
        own.said({"x": "a"})

    assert place_of(caught.value) == f"{file}, line 2"
    assert place_of(ValueError("ours")) == ""
