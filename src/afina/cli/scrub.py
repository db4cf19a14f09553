"""`scrub`: texts without personal data and secrets, from a file to the terminal or a file."""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from afina.errors import InputError, SettingsError
from afina.files import read_jsonl, read_rows
from afina.privacy import Finding, Kind, Policy, Scrubbed, Vault, make_policy, restore, scrub
from afina.privacy.pseudonyms import client_key
from afina.settings import PrivacyPolicy
from afina.store.key_files import read_key
from afina.texts import t

ACTIONS = ("mask", "pseudonymise", "drop", "keep", "bucket")


@click.command(
    "scrub",
    help=t(
        'Take personal data and secrets out of texts. JSONL in, JSONL out: {"text"} → {"text", "findings": [{"type", "start", "end", "rule"}]}, characters of the text before; of rows with `messages` every content, other columns stay. .csv and .tsv by their column `text`, .txt as one text. - reads standard input. Types: URL_TOKEN SECRET EMAIL URL IBAN CARD RUT SSN IP ACCOUNT DATE_OF_BIRTH PHONE ADDRESS AMOUNT PERSON. docs/privacy.md says what is not found.'
    ),
)
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--policy",
    type=click.Choice(ACTIONS),
    default="mask",
    show_default=True,
    help=t("What becomes of a finding: mask = [RUT], pseudonymise = the same false value each time, drop, keep."),
)
@click.option(
    "--type",
    "types",
    multiple=True,
    metavar="TYPE=ACTION",
    help=t("Otherwise for one type, e.g. AMOUNT=bucket. Again for the next one."),
)
@click.option(
    "--own", multiple=True, help=t("A text that stays: your own phone, e-mail, name. Again for the next one.")
)
@click.option("--client", default="default", show_default=True, help=t("Whose pseudonyms."))
@click.option("--key-file", type=click.Path(path_type=Path), help=t("32 bytes that pseudonyms hang on."))
@click.option(
    "--vault",
    type=click.Path(path_type=Path),
    help=t("File that keeps, sealed, what pseudonyms stand for: --restore needs it."),
)
@click.option("--restore", "back", is_flag=True, help=t("The other way: put back what pseudonyms stand for."))
@click.option("--summary", is_flag=True, help=t("Count findings by type only; one JSON object."))
def scrub_command(**options: Any) -> None:
    """Scrub."""
    key = read_key(options["key_file"], make=False) if options["key_file"] else b""
    vault = vault_of(options["vault"], key, options["client"])
    if options["back"]:
        if vault is None:
            raise SettingsError("--restore: name the --vault and its --key-file")
        for row in rows_of(options["file"]):
            click.echo(as_line(with_texts(row, lambda text: Scrubbed(restore(text, vault)))))
        return
    policy = policy_of(options, key, vault)
    counts: Counter[str] = Counter()
    for row in rows_of(options["file"]):
        done = with_texts(row, lambda text: scrub(text, policy))
        counts.update(one["type"] for one in done["findings"])
        if not options["summary"]:
            click.echo(as_line(done))
    if options["summary"]:
        click.echo(json.dumps(dict(counts.most_common())))


def policy_of(options: dict[str, Any], key: bytes, vault: Vault | None) -> Policy:
    """The policy that the flags say.

    Raises:
        SettingsError: a flag is no TYPE=ACTION, or pseudonyms are wanted without a key.
    """
    types: dict[Any, Any] = {}
    for flag in options["types"]:
        kind, _, action = flag.partition("=")
        if kind not in set(Kind) or action not in ACTIONS:
            raise SettingsError(
                f"--type {flag}: not TYPE=ACTION",
                remedy=f"types are {', '.join(Kind)}; actions {', '.join(ACTIONS)}",
            )
        types[kind] = action
    if "pseudonymise" in {options["policy"], *types.values()} and not key:
        raise SettingsError(
            "pseudonyms need a key", remedy="head -c 32 /dev/urandom > privacy.key, then --key-file privacy.key"
        )
    settings = PrivacyPolicy(
        default=options["policy"], types={"URL": "keep", "AMOUNT": "keep", **types}, own=options["own"]
    )
    return make_policy(settings, client=options["client"], key=key, vault=vault)


def vault_of(path: Path | None, key: bytes, client: str) -> Vault | None:
    """The vault, if one is named.

    Raises:
        SettingsError: without a key.
    """
    if path is None:
        return None
    if not key:
        raise SettingsError("--vault needs the --key-file that seals it")
    return Vault(path, client_key(key, client))


def rows_of(file: Path) -> Iterable[dict[str, Any]]:
    """Every row that has a text.

    Raises:
        InputError: a row has neither `text` nor `messages`; names its line.
    """
    if file.suffix == ".txt":
        yield {"text": file.read_text("utf-8")}
        return
    for row in read_jsonl(Path("/dev/stdin")) if str(file) == "-" else read_rows(file):
        if not isinstance(row.values.get("text"), str) and not isinstance(row.values.get("messages"), list):
            raise InputError(f"{file}, line {row.line}: no `text` and no `messages`")
        yield dict(row.values)


def with_texts(row: dict[str, Any], change: Callable[[str], Scrubbed]) -> dict[str, Any]:
    """A row with its text, or the contents of its messages, changed, and what was found in each."""
    found: list[dict[str, Any]] = []
    changed = dict(row)
    if isinstance(row.get("text"), str):
        clean = change(row["text"])
        changed["text"] = clean.text
        found += [as_json(one) for one in clean.findings]
    if isinstance(row.get("messages"), list):
        changed["messages"] = []
        for number, message in enumerate(row["messages"]):
            content = message.get("content") if isinstance(message, dict) else None
            if not isinstance(content, str):
                changed["messages"].append(message)
                continue
            clean = change(content)
            changed["messages"].append({**message, "content": clean.text})
            found += [{**as_json(one), "message": number} for one in clean.findings]
    return {**changed, "findings": found}


def as_json(one: Finding) -> dict[str, Any]:
    """A finding, without its value."""
    return {"type": one.type.value, "start": one.start, "end": one.end, "rule": one.rule}


def as_line(row: dict[str, Any]) -> str:
    """A row as JSON; half characters as escapes, which no terminal can print otherwise."""
    return json.dumps(row, ensure_ascii=False).encode("utf-8", "backslashreplace").decode()
