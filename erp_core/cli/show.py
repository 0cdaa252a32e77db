"""`erp config` and `erp routes`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from erp_core.cli import opening
from erp_core.cli.output import json_option, print_rows

if TYPE_CHECKING:
    from erp_core.kernel.application import Application


@click.command()
@json_option
def config(*, as_json: bool) -> None:
    """List every setting with its value, default and meaning; secrets are not shown.

    \b
    Examples:
      erp config
      ERP_ENV=production erp config --json
    """
    from erp_core.kernel.settings import describe_settings

    print_rows(describe_settings(opening.read_settings()), ("name", "value", "default", "about"), as_json=as_json)


@click.command()
@click.option("--slug", help="Only the addresses of this component.")
@json_option
def routes(*, slug: str | None, as_json: bool) -> None:
    """List every address of the API: method, path, the permission it needs, and whose it is.

    \b
    Examples:
      erp routes --slug vidrio
      erp routes --json
    """
    with opening.opened(opening.read_settings(), servers=False) as application:
        chosen = opening.chosen_packages(application.plugins, [slug] if slug else [])
        rows = route_rows(application, tuple(package.slug for package in chosen))
    print_rows(rows, ("method", "path", "permission", "slug"), as_json=as_json)


def route_rows(application: Application, slugs: tuple[str, ...]) -> list[dict[str, Any]]:
    """Read the addresses from the same document that the API publishes."""
    from erp_core.kernel.http.openapi import document

    return [
        {
            "method": method.upper(),
            "path": path,
            "permission": operation.get("x-permission", ""),
            "slug": next(iter(operation.get("tags", [])), ""),
            "summary": operation.get("summary", ""),
        }
        for path, operations in document(application, slugs)["paths"].items()
        for method, operation in operations.items()
    ]
