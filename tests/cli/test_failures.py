"""Errors become a sentence, a remedy and a status."""

from __future__ import annotations

import click
import psycopg
import pytest
import redis
import sqlalchemy
from psycopg import errors

from erp_core.cli import statuses
from erp_core.cli.failures import explain, report_failure
from erp_core.kernel.embedded.errors import EmbeddedUnavailable
from erp_core.kernel.errors import Duplicate, OperatorError
from erp_core.kernel.plugins.manager import PluginProblem, PluginProblems
from erp_core.kernel.queries.pipeline_errors import DatabaseUnavailable

NOBODY = "postgresql://someone:hidden-word@127.0.0.1:9/nothing"


def raised(function) -> Exception:
    try:
        function()
    except Exception as error:  # noqa: BLE001 - whatever it raises is what the test is about
        return error
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize(
    "function",
    [
        lambda: psycopg.connect(NOBODY),
        lambda: sqlalchemy.create_engine(NOBODY.replace("postgresql", "postgresql+psycopg")).connect(),
    ],
    ids=["psycopg", "sqlalchemy"],
)
def test_a_refused_connection_says_that_the_database_is_away_and_not_the_password(function) -> None:
    failure = explain(raised(function))

    assert failure.status == statuses.AWAY
    assert failure.sentence.startswith("The database is away")
    assert "DATABASE_URL" in failure.remedy
    assert "hidden-word" not in failure.sentence


def test_an_absent_redis_is_a_server_away() -> None:
    failure = explain(raised(redis.Redis(host="127.0.0.1", port=9).ping))

    assert failure.status == statuses.AWAY
    assert "REDIS_URL" in failure.remedy


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (OperatorError("No.", "Do this.", status=2), statuses.USAGE),
        (Duplicate(fields="slug"), statuses.REFUSED),
        (EmbeddedUnavailable("not installed"), statuses.AWAY),
        (DatabaseUnavailable("no connection"), statuses.AWAY),
        (PluginProblems([PluginProblem("vidrio", "1", "x", "y", "why")]), statuses.PLUGINS),
        (errors.CannotConnectNow("starting up"), statuses.AWAY),
        (errors.QueryCanceled("statement timeout"), statuses.REFUSED),
        (click.Abort(), statuses.INTERRUPTED),
        (KeyboardInterrupt(), statuses.INTERRUPTED),
        (ZeroDivisionError("by zero"), statuses.REFUSED),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_each_kind_of_error_has_its_status(error: BaseException, status: int) -> None:
    assert explain(error).status == status


def test_problems_of_packages_are_printed_as_a_whole_table(capsys) -> None:
    problems = [
        PluginProblem("vidrio", "0.1.0", "erp-core >=0.9", "0.1.0", "Install a release of one that fits the other."),
        PluginProblem("pos", "0.2.0", "an importable module", "ImportError", "no module named tickets"),
    ]

    status = report_failure(PluginProblems(problems), debug=False)

    told = capsys.readouterr().err
    assert status == statuses.PLUGINS
    for problem in problems:
        assert all(
            text in told for text in (problem.plugin, problem.version, problem.needs, problem.found, problem.why)
        )


def test_an_unexpected_error_names_the_next_step_and_shows_no_trace(capsys) -> None:
    status = report_failure(ZeroDivisionError("division by zero"), debug=False)

    told = capsys.readouterr().err
    assert status == statuses.REFUSED
    assert "--debug" in told
    assert "Traceback" not in told
