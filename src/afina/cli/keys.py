"""`keys`: who may use the gateway."""

from datetime import datetime

import click
from rich.table import Table

from afina.cli.options import here, json_option
from afina.cli.terminal import OUT, print_json
from afina.serve.keys import ROLES, Key, Limits, NewKey, Scope, add_key, list_keys, revoke_key
from afina.texts import t
from afina.wiring import open_project


@click.group("keys", help=t("Keys of the gateway. Once there is one, every request needs one."))
def keys_command() -> None:
    """Group."""


@keys_command.command("add", help=t("Make a key and show it, once. Only its hash is kept."))
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice([scope.value for scope in Scope]),
    multiple=True,
    default=("chat", "feedback"),
    show_default=True,
    help=t("what it is for; may be given more than once; admin includes all"),
)
@click.option(
    "--role", type=click.Choice(list(ROLES)), help=t("what a person is; says what the key is for in place of --scope")
)
@click.option("--user", default="", help=t("the one person that the key speaks for; needed with --role user"))
@click.option("--days", type=click.FloatRange(0, min_open=True), help=t("how long it is valid (default: for ever)"))
@click.option("--requests-per-minute", type=click.IntRange(1), help=t("limit (default: none)"))
@click.option("--tokens-per-day", type=click.IntRange(1), help=t("limit, prompt and answer (default: none)"))
@json_option
def add_command(
    name: str,
    scopes: tuple[str, ...],
    role: str | None,
    user: str,
    days: float | None,
    as_json: bool,
    **limits: int | None,
) -> None:
    """Add."""
    if role == "user" and not user:
        raise click.UsageError(t("--role user needs --user: whom the key speaks for"))
    wanted = ROLES[role] if role else [Scope(one) for one in scopes]
    with open_project(here()).session() as session:
        key, secret = add_key(session, NewKey(name=name, scopes=wanted, days=days, limits=Limits(**limits), user=user))
    if as_json:
        print_json({**shown(key), "key": secret})
        return
    OUT.print(secret, soft_wrap=True)
    click.echo(t("This is shown once. Callers send it as: Authorization: Bearer KEY"), err=True)


@keys_command.command("list", help=t("All keys, without their secrets."))
@json_option
def list_command(as_json: bool) -> None:
    """List."""
    with open_project(here()).session() as session:
        keys = list_keys(session)
    if as_json:
        print_json([shown(key) for key in keys])
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("name", "for", "made", "until", "limits"):
        table.add_column(t(heading))
    for key in keys:
        until = f"{t('revoked')} {minute(key.revoked_at)}" if key.revoked_at else minute(key.expires_at) or "–"
        limits = [f"{key.limits.requests_per_minute}/min"] if key.limits.requests_per_minute else []
        limits += [f"{key.limits.tokens_per_day:,} tokens/{t('day')}"] if key.limits.tokens_per_day else []
        table.add_row(key.name, ", ".join(sorted(key.scopes)), minute(key.created_at), until, ", ".join(limits) or "–")
    OUT.print(table)


@keys_command.command("revoke", help=t("End a key: whoever uses it is refused within two seconds."))
@click.argument("name")
def revoke_command(name: str) -> None:
    """Revoke."""
    with open_project(here()).session() as session:
        revoke_key(session, name)
    OUT.print(f"{name}: {t('revoked')}")


def minute(time: datetime | None) -> str:
    """A time to the minute; "" for none."""
    return time.isoformat(" ", "minutes") if time else ""


def shown(key: Key) -> dict[str, object]:
    """A key as scripts and tables show it."""
    return {
        "id": key.id,
        "name": key.name,
        "scopes": sorted(scope.value for scope in key.scopes),
        "created": minute(key.created_at),
        "expires": minute(key.expires_at),
        "revoked": minute(key.revoked_at),
        "requests_per_minute": key.limits.requests_per_minute,
        "tokens_per_day": key.limits.tokens_per_day,
    }
