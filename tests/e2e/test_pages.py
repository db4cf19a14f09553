"""The pages in a real browser."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from afina.web.sides import Blind, unblind, write_sides
from afina.web.verdict import write_verdict_page
from tests.unit.web.test_verdict import judged

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ROWS = [
    {
        "id": str(n),
        "question": f"¿Cuánto es {n}?",
        "expected": str(n),
        "a": f"Son <b>{n + 1}</b> </script> uno más",
        "b": f"Son {n} uno más",
    }
    for n in range(12)
]


@pytest.fixture
def page() -> Iterator[Page]:
    """A page that takes an error in its script for a failure."""
    if BROWSER is None:
        pytest.skip("no Chromium here: `apt install chromium`")
    errors: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        opened = browser.new_page()
        opened.on("pageerror", lambda error: errors.append(str(error)))
        opened.on("request", lambda request: errors.append(request.url) if request.url.startswith("http") else None)
        yield opened
        browser.close()
    assert errors == []


@pytest.mark.parametrize(("language", "said"), [("en", "Yes. Put"), ("es", "Sí. Pon")])
def test_the_verdict_is_on_top_and_nothing_sticks_out(page: Page, tmp_path: Path, language: str, said: str) -> None:
    """On a desk and on a telephone; no request leaves the page."""
    write_verdict_page(judged(5, 55), tmp_path / "verdict.html", language=language)
    for width in (1100, 390):
        page.set_viewport_size({"width": width, "height": 800})
        page.goto((tmp_path / "verdict.html").as_uri())
        assert page.locator(".banner").inner_text().startswith(said)
        box = page.locator(".banner").bounding_box()
        assert box is not None
        assert box["y"] < 300
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_answers_are_rated_blind_with_the_keyboard_and_saved(page: Page, tmp_path: Path) -> None:
    """Always the side that B is on, known from the key; after a reload the ratings are still there."""
    write_sides(ROWS, tmp_path / "p.html", tmp_path / "k.json", Blind(a="base", b="tuned", seed="s"))
    key = json.loads((tmp_path / "k.json").read_text("utf-8"))
    page.goto((tmp_path / "p.html").as_uri())
    assert "tuned" not in page.content()
    assert "b_is" not in page.content()
    for at in range(12):
        identity = page.locator("#question").inner_text().removeprefix("¿Cuánto es ").removesuffix("?")
        page.keyboard.press({"left": "1", "right": "ArrowRight"}[key["b_is"][identity]])
        if at == 5:
            page.reload()
    assert page.locator("#done").is_visible()
    page.keyboard.press("d")
    assert page.locator("ins").count() > 0
    assert page.locator("#left b").count() == 0, "an answer is text, never markup"
    with page.expect_download() as download:
        page.locator("#save").click()
    rows = [json.loads(line) for line in Path(download.value.path()).read_text("utf-8").splitlines()]

    assert set(unblind(rows, key).values()) == {(0.0, 1.0)}
    assert len(rows) == 12
