"""libpq's environment is for other databases."""

import os
import pwd

import pytest

from afina.store.cluster import as_somebody
from afina.store.environment import forget_libpq, libpq_names


def test_every_variable_of_libpq_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that people have set for other databases, and all that libpq itself lists."""
    named = {
        "PGSSLMODE",
        "PGSERVICE",
        "PGHOSTADDR",
        "PGCHANNELBINDING",
        "PGTARGETSESSIONATTRS",
        "PGOPTIONS",
        "PGCLIENTENCODING",
        "PGTZ",
    }
    assert named <= libpq_names()
    for name in libpq_names():
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("PGX_OF_SOMEBODY", "kept")

    forget_libpq()

    assert not libpq_names() & os.environ.keys()
    assert os.environ["PGX_OF_SOMEBODY"] == "kept"


def test_a_user_without_a_name_is_somebody_to_initdb(monkeypatch: pytest.MonkeyPatch) -> None:
    """Containers run as any number; initdb asks for a name."""
    assert as_somebody() == []

    def nameless(_uid: int) -> pwd.struct_passwd:
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", nameless)
    assert as_somebody()[0] == "unshare"
