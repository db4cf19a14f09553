"""The generated reference is that of this code."""

import re
from pathlib import Path

import pytest

from tests.reference import FOLDER, pages

DOCS = FOLDER.parent


@pytest.mark.parametrize("name", ["cli.md", "settings.md", "http.md", "files.md"])
def test_the_page_is_up_to_date(name: str) -> None:
    """`make docs` writes them."""
    assert (FOLDER / name).read_text("utf-8") == pages()[name]


def test_every_setting_says_what_it_is() -> None:
    """A key without a description teaches nothing."""
    rows = [line for line in pages()["settings.md"].splitlines() if line.startswith("| `")]

    assert len(rows) > 60
    assert all(row.rsplit("|", 2)[1].strip() for row in rows)


@pytest.mark.parametrize("page", sorted([*DOCS.rglob("*.md"), *DOCS.parent.glob("*.md")]), ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Files of this repository, by relative paths."""
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), target


def test_every_how_to_is_in_the_index() -> None:
    """And the index names nothing else."""
    listed = set(re.findall(r"\((\S+)\.md\)", (DOCS / "how-to" / "README.md").read_text("utf-8")))

    assert listed == {path.stem for path in (DOCS / "how-to").glob("*.md")} - {"README"}
