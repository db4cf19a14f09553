"""Concepts, many and different."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afina.errors import InputError, SettingsError
from afina.likeness import alike
from afina.roles.role import packaged_folder
from afina.synth.concepts import (
    DOMAINS,
    NEAR,
    Concept,
    Source,
    Wanted,
    diversity,
    imagine_concepts,
    make_concepts,
    read_grids,
)

GRIDS = read_grids(packaged_folder() / "ba" / "concepts.toml")
SOURCES = [
    Source(id="s1", text="A booking page for dentists.", language="en", domain="healthcare"),
    Source(id="s2", text="Una libreta de fiado para almacenes.", language="es", domain="fintech"),
]


def test_two_hundred_concepts_are_two_hundred() -> None:
    """Every domain and language as often as the others, none a near copy of another; the same seed, the same concepts."""
    found = make_concepts(GRIDS, (), Wanted(count=200, languages=("en", "es")))
    assert diversity(found) == {
        **diversity(found),
        "concepts": 200,
        "unique": 1.0,
        "distinct": 200,
        "domains": 7,
        "languages": 2,
    }
    counts = Counter((one.domain, one.language) for one in found)
    assert max(counts.values()) - min(counts.values()) <= 3
    assert found == make_concepts(GRIDS, (), Wanted(count=200, languages=("en", "es")))
    others = make_concepts(GRIDS, (), Wanted(count=200, languages=("en", "es"), seed=1))
    assert not {one.id for one in found} & {
        one.id for one in others
    }  # answers to them are never taken for one another's


def test_every_seed_is_varied_three_to_five_times() -> None:
    """With another audience, another need, another scale; it says which one it came from."""
    found = make_concepts(GRIDS, SOURCES, Wanted(count=30, languages=("en", "es")))
    varied = Counter(one.seed for one in found if one.made_by == "seed")
    assert set(varied) == {"s1", "s2"}
    assert all(1 <= count <= 5 for count in varied.values())
    assert all(one.text.startswith("A booking page") for one in found if one.seed == "s1")


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 25))
def test_no_two_are_near_copies(seed: int, count: int) -> None:
    """Whatever is drawn."""
    found = make_concepts(GRIDS, SOURCES, Wanted(count=count, languages=("en",), seed=seed))
    assert len(found) == count == len({one.id for one in found})
    assert all(alike(a.text, b.text) < NEAR for at, a in enumerate(found) for b in found[:at])


def test_words_that_are_used_up_are_said(tmp_path: Path) -> None:
    """A grid of a few words cannot make a hundred."""
    path = tmp_path / "concepts.toml"
    path.write_text(
        '[en]\ntemplates = ["{product} {audience} {need} {second}"]\nscales = {simple = [""]}\n'
        '[en.domains.hr]\nproducts = ["a", "b"]\naudiences = ["c", "d"]\nneeds = ["e", "f", "g"]\n'
    )
    with pytest.raises(InputError, match=r"words for \d+ different concepts, 100 were asked for"):
        make_concepts(read_grids(path), (), Wanted(count=100, languages=("en",), domains=("hr",)))


@pytest.mark.parametrize(
    ("languages", "domains", "said"),
    [(("fr",), DOMAINS, "no concepts in 'fr'"), (("en",), ("law",), "no words for the domain 'law'")],
)
def test_what_has_no_words_is_refused(languages: tuple[str, ...], domains: tuple[str, ...], said: str) -> None:
    """Before anything is drawn."""
    with pytest.raises(InputError, match=said):
        make_concepts(GRIDS, (), Wanted(count=1, languages=languages, domains=domains))


@pytest.mark.parametrize("text", ["[en]\ntemplates = 3", "[en", ""])
def test_a_malformed_grid_is_named(text: str, tmp_path: Path) -> None:
    """Its file."""
    path = tmp_path / "concepts.toml"
    if text:
        path.write_text(text)
    with pytest.raises(SettingsError, match=r"concepts\.toml"):
        read_grids(path)


def test_a_word_that_nothing_stands_for_is_named(tmp_path: Path) -> None:
    """Before anything is made of the template."""
    path = tmp_path / "concepts.toml"
    text = (packaged_folder() / "ba" / "concepts.toml").read_text("utf-8")
    path.write_text(text.replace("{audience}", "{public}", 1), "utf-8")
    with pytest.raises(SettingsError, match=r"`public` is none of product, audience, need, second"):
        read_grids(path)


def test_a_model_has_the_ideas_and_the_grid_the_rest() -> None:
    """What it repeats is refused and counted; when it has nothing new any more the grid goes on."""
    said: list[str] = []

    def ideas(asked: str, seed: int) -> Sequence[str]:
        said.append(asked)
        return [
            f"A tool that counts {['apples', 'pears', 'plums', 'figs'][seed % 4]} for growers.",
            "A tool for all of us.",
        ]

    found, refused = imagine_concepts(GRIDS, SOURCES[:1], Wanted(count=12, languages=("en", "es")), ideas)
    assert len(found) == len({one.id for one in found}) == 12
    assert {one.made_by for one in found} == {"model", "grid"}
    assert refused["a near copy"] > 1
    assert "Spanish" in said[1]
    assert "Be unlike this one: A booking page" in said[0]


def test_a_model_that_says_nothing_costs_nothing_but_its_turn() -> None:
    """All concepts come from the grid then."""
    found, _ = imagine_concepts(GRIDS, SOURCES, Wanted(count=5, languages=("en",)), lambda _asked, _seed: [])
    assert {one.made_by for one in found} == {"grid"}
    assert len(found) == 5


def test_copies_are_seen_by_the_measure() -> None:
    """Of three concepts of which two are one, two thirds are unique."""
    found = make_concepts(GRIDS, (), Wanted(count=2, languages=("en",)))
    again = Concept(**{**found[0].row(), "id": "again"})
    assert diversity([*found, again])["unique"] == 0.6667
    assert diversity([])["unique"] == 0
