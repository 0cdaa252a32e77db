"""`erp keys`: the keys that access tokens are signed with."""

from __future__ import annotations

import click

from erp_core.cli import opening
from erp_core.cli.output import say
from erp_core.cli.tenants import operator_session


@click.group()
def keys() -> None:
    """Rotate the signing keys."""


@keys.command()
@click.option("--compromised", is_flag=True, help="Drop the old keys at once: every access token must be refreshed.")
def rotate(*, compromised: bool) -> None:
    """Make a new signing key, which signs from now on; tokens of the old one are valid until they expire.

    \b
    Examples:
      erp keys rotate
      erp keys rotate --compromised
    """
    with opening.opened(opening.read_settings()) as application:
        from erp_core.auth.keys import rotate_signing_key

        with operator_session(application) as session:
            kid = rotate_signing_key(session, compromised=compromised).kid
    click.echo(kid)
    say("Every access token must be refreshed now." if compromised else "Nobody has to sign in again.")
