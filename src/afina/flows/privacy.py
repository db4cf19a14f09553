"""A project's settings → the policies that its clients' texts are scrubbed by."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from afina.errors import InputError, SettingsError
from afina.files.own_code import import_own
from afina.privacy import NOTHING, Policy, Vault, make_policy
from afina.privacy.pseudonyms import client_key
from afina.settings import PrivacySettings
from afina.store.key_files import read_key
from afina.store.paths import Paths


def policy_of(settings: PrivacySettings, paths: Paths, client: str) -> Policy:
    """What becomes of a client's personal data.

    Raises:
        SettingsError: a recogniser of the user's own cannot be loaded. StoreError: the key file holds no key, or the vault another key's lines.
    """
    if not settings.scrub:
        return NOTHING
    policy = settings.clients.get(client, settings)
    wants_key = settings.vault or "pseudonymise" in {policy.default, *policy.types.values()}
    key = b""
    if wants_key:
        named = Path(settings.key_file) if settings.key_file else None
        key = read_key(named or paths.privacy_key, make=named is None)
    vault = Vault(paths.vault(client), client_key(key, client)) if settings.vault else None
    own = tuple(own_recogniser(name) for name in settings.recognisers)
    return make_policy(policy, client=client, key=key, vault=vault, recognisers=own)


def own_recogniser(name: str) -> Callable[[str], Any]:
    """The function that `file.py:FUNCTION` names.

    Raises:
        SettingsError: it is not there.
    """
    module, _, function = name.rpartition(":")
    try:
        found: Callable[[str], Any] = getattr(import_own(module), function)
    except (InputError, ImportError, AttributeError, SyntaxError) as exc:
        raise SettingsError(
            f"privacy.recognisers: {name}: {exc}", remedy="write file.py:FUNCTION or module:FUNCTION"
        ) from exc
    if not callable(found):
        raise SettingsError(f"privacy.recognisers: {name} is no function")
    return found
