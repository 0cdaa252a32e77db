"""`erp users`: accounts, passwords and roles."""

from __future__ import annotations

import sys

import click

from erp_core.cli import opening, statuses
from erp_core.cli.output import say
from erp_core.cli.tenants import operator_session
from erp_core.kernel.errors import OperatorError

# A password given as an argument could be read by everybody in the list of processes.
password_stdin_option = click.option(
    "--password-stdin", is_flag=True, help="Read the password from the standard input."
)
ask_password_option = click.option("--ask-password", is_flag=True, help="Ask for the password on the terminal.")


@click.group()
def users() -> None:
    """Create users, set passwords and grant roles."""


@users.command()
@click.argument("email")
@click.option("--name", required=True, help="The person's name.")
@click.option("--tenant", help="Slug of a tenant that the person joins.")
@click.option("--role", "roles", multiple=True, help="A role in that tenant; may be repeated. Default: admin.")
@click.option("--language", default="es_MX", show_default=True, help="es_MX or en.")
@password_stdin_option
@ask_password_option
def create(
    email: str,
    *,
    name: str,
    tenant: str | None,
    roles: tuple[str, ...],
    language: str,
    password_stdin: bool,
    ask_password: bool,
) -> None:
    """Create an account; without a password it gets one that is printed once and changed at the first sign-in.

    \b
    Examples:
      erp users create ana@example.com --name "Ana Ruiz" --tenant vidrios-norte --role admin
      erp users create ana@example.com --name "Ana Ruiz" --password-stdin < secret.txt
    """
    if roles and tenant is None:
        raise OperatorError("A role belongs to a tenant.", "Name it with --tenant.", status=statuses.USAGE)
    password = given_password(from_stdin=password_stdin, ask=ask_password)
    with opening.opened(opening.read_settings()) as application:
        from erp_core.tenants.services import create_user, grant

        with operator_session(application) as session:
            user, chosen = create_user(session, email, name, password, language=language)
            address = user.email
            if tenant is not None:
                grant(session, tenant, address, roles or (default_role(),))
    print_once(address, chosen, made=password is None)


@users.command("password")
@click.argument("email")
@password_stdin_option
@ask_password_option
def set_one(email: str, *, password_stdin: bool, ask_password: bool) -> None:
    """Give an account another password and end all its sessions; without one, a new initial password is printed once.

    \b
    Examples:
      erp users password ana@example.com
      erp users password ana@example.com --ask-password
    """
    password = given_password(from_stdin=password_stdin, ask=ask_password)
    with opening.opened(opening.read_settings()) as application:
        from erp_core.kernel.context import utc_now
        from erp_core.tenants.services import set_password

        with operator_session(application) as session:
            chosen = set_password(session, email, password, utc_now())
    print_once(email, chosen, made=password is None)


@users.command()
@click.argument("email")
@click.argument("tenant")
@click.argument("roles", nargs=-1, required=True, metavar="ROLE…")
def grant(email: str, tenant: str, roles: tuple[str, ...]) -> None:
    """Make a person a member of a tenant with these roles.

    \b
    Example:
      erp users grant ana@example.com vidrios-norte vidrio.sales core.warehouse
    """
    with opening.opened(opening.read_settings()) as application:
        from erp_core.tenants.services import grant as give

        with operator_session(application) as session:
            added = give(session, tenant, email, roles)
    say(f"{email} has got: {', '.join(added)}." if added else f"{email} had these roles already.")


@users.command()
@click.argument("email")
def disable(email: str) -> None:
    """Shut a person out everywhere, within a second.

    \b
    Example:
      erp users disable ana@example.com
    """
    with opening.opened(opening.read_settings()) as application:
        from erp_core.kernel.context import utc_now
        from erp_core.tenants.services import disable_user

        with operator_session(application) as session:
            disable_user(session, email, utc_now())
    say(f"{email} is shut out; `erp users enable {email}` undoes it.")


@users.command()
@click.argument("email")
def enable(email: str) -> None:
    """Let a disabled person sign in again.

    \b
    Example:
      erp users enable ana@example.com
    """
    with opening.opened(opening.read_settings()) as application:
        from erp_core.tenants.services import enable_user

        with operator_session(application) as session:
            enable_user(session, email)
    say(f"{email} may sign in again.")


def given_password(*, from_stdin: bool, ask: bool) -> str | None:
    """Read a password from the standard input or the terminal; ``None`` when one is to be made."""
    if from_stdin and ask:
        raise OperatorError(
            "The password can come from one place only.",
            "Choose --password-stdin or --ask-password.",
            status=statuses.USAGE,
        )
    if ask:
        asked: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        return asked
    if not from_stdin:
        return None
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise OperatorError(
            "The standard input holds no password.", "Send it as the first line.", status=statuses.USAGE
        )
    return password


def print_once(email: str, password: str, *, made: bool) -> None:
    """Print a password that was made here; one that was given is not repeated."""
    if made:
        click.echo(f"{email}  {password}")
        say("This initial password is shown only now; it is changed at the first sign-in.")
    else:
        say(f"The password of {email} is set.")


def default_role() -> str:
    """Name the role that a tenant always has."""
    from erp_core.auth.roles import ADMINISTRATOR

    return ADMINISTRATOR
