"""All recognisers together."""

import time

import pytest

from afina.privacy import Kind, find
from afina.privacy.find import merged
from afina.privacy.finding import Finding

MANY = 40_000
SECONDS_A_CHARACTER = 2e-5
"""Six times what was measured (3.2 µs): a pattern that is not linear takes hundreds of times as long."""


def test_where_findings_overlap_the_surer_one_stays() -> None:
    """A street with a person's name is an address; a token in a URL is the URL's."""
    assert [one.type for one in find("calle Pedro Montt 123")] == [Kind.ADDRESS]
    assert [one.type for one in find("https://a.cl/x?token=perro1234")] == [Kind.URL_TOKEN]


def test_merged_findings_are_in_order_and_apart() -> None:
    """Of one type the longer one wins."""
    some = [Finding(5, 9, Kind.PERSON, "a"), Finding(0, 6, Kind.PERSON, "b"), Finding(6, 8, Kind.RUT, "c")]

    assert merged(some) == [Finding(0, 6, Kind.PERSON, "b"), Finding(6, 8, Kind.RUT, "c")]


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "1",
        "1 ",
        "1-",
        "1.",
        "a@",
        "a.",
        "(",
        "+1",
        "eyJ",
        "http://",
        "Ana ",
        "calle los ",
        "clave es ",
        "cuenta banco ",
        "naci ",
        ":",
        "a arroba ",
        "Juan de la ",
        "a/=",
        "depto 1 ",
        'clave "',
        "1\u200b",
        "https://a?token=",
        "uf 1 ",
        "_",
        "vivo en la casa ",
        "-----BEGIN PRIVATE KEY-----",
        "\ud800",
        "glpat-",
    ],
)
def test_time_grows_with_the_text_only(piece: str) -> None:
    """One long line of anything, as it comes from outside."""
    text = piece * (MANY // len(piece))
    began = time.process_time()
    find(text)

    assert time.process_time() - began < SECONDS_A_CHARACTER * MANY
