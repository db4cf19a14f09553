"""What is known of names."""

from afina.privacy.name_lists import lists


def test_the_lists_are_large_and_without_particles() -> None:
    """Ten countries' names of Faker and this project's own."""
    known = lists()

    assert len(known.first) > 2500
    assert len(known.last) > 4000
    assert not {"de", "la", "y"} & (known.first | known.last)
    assert {"lautaro", "feña".replace("ñ", "n"), "pancho"} <= known.first
