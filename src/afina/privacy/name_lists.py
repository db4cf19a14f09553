"""What is known of names: Faker's lists of ten countries, and this project's own words (`names.toml`)."""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module, resources

from afina.privacy.plain import plain

PLACES = ("es_CL", "es_ES", "es_MX", "es_AR", "es_CO", "pt_BR", "en_US", "en_GB", "fr_FR", "it_IT")
"""Locales of Faker whose lists are read; the German ones have "Else" and "Harm"."""
PARTICLES = frozenset(
    {"de", "del", "la", "las", "los", "da", "dos", "y", "van", "von", "der", "di", "san", "mac", "mc", "le", "d"}
)


@dataclass(frozen=True)
class Lists:
    """What is known of names, in lower case without accents."""

    first: frozenset[str]
    last: frozenset[str]
    words: frozenset[str]
    never: frozenset[str]
    titles: frozenset[str]
    introductions: frozenset[str]
    greetings: frozenset[str]
    things: frozenset[str]
    institutions: frozenset[str]
    places: frozenset[str]


@lru_cache(maxsize=1)
def lists() -> Lists:
    """The lists of this project and of Faker."""
    raw = tomllib.loads(resources.files(__package__).joinpath("names.toml").read_text("utf-8"))
    own = {name: folded(words) for name, words in raw.items()}
    providers = [import_module(f"faker.providers.person.{place}").Provider for place in PLACES]
    first = frozenset[str]().union(*(listed(one, "first_names") for one in providers), own["more_first_names"])
    last = frozenset[str]().union(*(listed(one, "last_names") for one in providers), own["more_surnames"])
    return Lists(
        first=first - PARTICLES,
        last=last - PARTICLES,
        **{
            name: own[name]
            for name in ("words", "never", "titles", "introductions", "greetings", "things", "institutions", "places")
        },
    )


def listed(provider: type, beginning: str) -> frozenset[str]:
    """Every list of a provider whose name begins so; compound names as their words."""
    names = [getattr(provider, name) for name in dir(provider) if name.startswith(beginning)]
    lists_of = [many for many in names if isinstance(many, tuple | list | dict)]
    return folded(word for many in lists_of for name in many for word in str(name).split() if len(word) > 1)


def folded(words: "Iterator[str] | Sequence[str]") -> frozenset[str]:
    """In lower case without accents."""
    return frozenset(plain(word).low for word in words)
