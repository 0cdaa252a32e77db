"""Errors as a sentence, a remedy and an exit status; no trace unless it is asked for."""

from __future__ import annotations

import os
import sys
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import click

from erp_core.cli import statuses
from erp_core.cli.output import table
from erp_core.kernel.errors import OperatorError, Problem

if TYPE_CHECKING:
    from erp_core.kernel.plugins.manager import PluginProblem

DATABASE_REMEDY = "Start it or correct DATABASE_URL (or DB_HOST and its kin); `erp doctor` looks closer."
REDIS_REMEDY = "Start it or correct REDIS_URL (or REDIS_HOST); `erp doctor` looks closer."

# An undefined table, column or schema: the code expects what no revision has made yet.
_UNMIGRATED = frozenset({"42P01", "42703", "3F000"})


@dataclass(frozen=True, slots=True)
class Failure:
    """What to tell the operator about an error."""

    sentence: str
    remedy: str
    status: int


def report_failure(error: BaseException, *, debug: bool) -> int:
    """Print an error on the standard error and give the exit status."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else statuses.REFUSED
    if isinstance(error, BrokenPipeError):
        # The reader of our output went away (`erp routes | head`); a second complaint at exit would only be noise.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return statuses.REFUSED
    if debug:
        traceback.print_exception(error)
    if isinstance(error, click.UsageError):
        error.show()
        return statuses.USAGE
    failure = explain(error)
    click.echo(f"{click.style('error:', fg='red', bold=True)} {failure.sentence}", err=True)
    if failure.remedy:
        click.echo(f"  → {failure.remedy}", err=True)
    return failure.status


def explain(error: BaseException) -> Failure:
    """Find the sentence, the remedy and the status of any error."""
    if isinstance(error, OperatorError):
        return Failure(error.sentence, error.remedy, error.status)
    if isinstance(error, Problem):
        return Failure(
            error.describe(), f"The refusal's code is {error.code}; correct what it names and repeat.", statuses.REFUSED
        )
    if isinstance(error, click.Abort | KeyboardInterrupt):
        return Failure("Interrupted.", "", statuses.INTERRUPTED)
    if isinstance(error, click.ClickException):
        return Failure(error.format_message(), "", error.exit_code)
    for look in (_plugins, _servers):
        failure = look(error)
        if failure is not None:
            return failure
    sentence = f"Something failed that should not: {type(error).__name__}: {_first_line(error)}"
    return Failure(sentence, "Repeat the command with --debug and report the trace.", statuses.REFUSED)


def problem_rows(problems: list[PluginProblem]) -> list[dict[str, str]]:
    """Give the table of problems as rows."""
    return [
        {"plugin": p.plugin, "version": p.version, "needs": p.needs, "found": p.found, "why": p.why} for p in problems
    ]


def _plugins(error: BaseException) -> Failure | None:
    kind = _loaded("erp_core.kernel.plugins.manager", "PluginProblems")
    if kind is None or not isinstance(error, kind):
        return None
    problems = cast("list[PluginProblem]", getattr(error, "problems"))  # noqa: B009 - its class is not imported here
    sentence = "These packages cannot be loaded:\n" + table(
        problem_rows(problems), ["plugin", "version", "needs", "found", "why"]
    )
    return Failure(
        sentence, "Correct each, or name the others in ERP_PLUGINS; `erp plugins check` checks again.", statuses.PLUGINS
    )


def _servers(error: BaseException) -> Failure | None:
    """Recognise an absent server wherever the error comes from, without importing any driver for it."""
    if _is(error, "erp_core.kernel.embedded.errors", "EmbeddedUnavailable"):
        return Failure(f"The embedded servers cannot run: {_first_line(error)}", "", statuses.AWAY)
    if _is(error, "erp_core.kernel.queries.pipeline_errors", "DatabaseUnavailable"):
        return Failure(f"The database is away: {_first_line(error)}", DATABASE_REMEDY, statuses.AWAY)
    if _is(error, "redis.exceptions", "AuthenticationError"):
        return Failure(f"Redis refuses us: {_first_line(error)}", "Correct the password in REDIS_URL.", statuses.AWAY)
    if _is(error, "redis.exceptions", "ConnectionError") or _is(error, "redis.exceptions", "TimeoutError"):
        return Failure(f"Redis is away: {_first_line(error)}", REDIS_REMEDY, statuses.AWAY)
    origin = getattr(error, "orig", error)
    return _database(origin) if _is(origin, "psycopg", "Error") else None


def _database(error: BaseException) -> Failure | None:
    state = getattr(error, "sqlstate", None) or ""
    if state in _UNMIGRATED:
        return Failure(
            f"The database is not at the installed version: {_first_line(error)}.",
            "Run `erp plugins migrate`.",
            statuses.REFUSED,
        )
    # 08: connection; 28: credentials; 3D: no such database; 53: too many connections; 57P: the server is going down.
    if not _is(error, "psycopg", "OperationalError") or (
        state and not state.startswith(("08", "28", "3D", "53", "57P"))
    ):
        return None
    return Failure(f"The database is away: {_first_line(error)}", DATABASE_REMEDY, statuses.AWAY)


def _is(error: object, module: str, name: str) -> bool:
    kind = _loaded(module, name)
    return kind is not None and isinstance(error, kind)


def _loaded(module: str, name: str) -> type[BaseException] | None:
    # An error of a class that was never imported cannot have been raised.
    return getattr(sys.modules.get(module), name, None)


def _first_line(error: object) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    # psycopg lists every address it tried; the first says enough.
    return lines[0] if lines else type(error).__name__
