"""The connections under the units of work: opened in one round trip, replaced when dead, given back as they were."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pluggy
import psycopg
import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError

from erp_core.kernel.context import Actor, Context
from erp_core.kernel.database.engine import make_engine
from erp_core.kernel.database.tables import Job
from erp_core.kernel.database.unit_of_work import Units
from erp_core.kernel.errors import DatabaseAway, Problem
from erp_core.kernel.ids import new_id


@pytest.fixture
def hooks() -> pluggy.HookRelay:
    return pluggy.PluginManager("erp").hook


@pytest.fixture
def units(migrated: Any, hooks: pluggy.HookRelay) -> Iterator[Units]:
    engine = make_engine(migrated.url("erp_app"), size=4, statement_timeout_ms=10_000, application_name="idle-tests")
    made = Units(engine, hooks)
    yield made
    made.close()


@pytest.fixture
def actor() -> Actor:
    return Actor(new_id(), new_id())


def make_job(ctx: Context) -> Job:
    job = Job(kind="probe", arguments={})
    ctx.session.add(job)
    ctx.session.flush()
    return job


def test_a_connection_goes_back_to_the_pool_as_it_was(units: Units, actor: Actor) -> None:
    units.run(actor, make_job)
    with pytest.raises(Problem):
        units.run(actor, refuse_at_once)

    with units.engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        assert not raw.autocommit
        assert connection.scalar(text("SELECT current_setting('app.current_tenant', true)")) in {"", None}


def refuse_at_once(_ctx: Context) -> None:
    raise Problem


def test_opening_and_closing_a_unit_are_one_round_trip_each(units: Units, actor: Actor, tmp_path: Path) -> None:
    units.run(actor, make_job)
    with (tmp_path / "trace").open("wb") as trace:
        event.listen(units.engine, "checkout", lambda raw, *_: raw.pgconn.trace(trace.fileno()))
        event.listen(units.engine, "checkin", lambda raw, _: raw.pgconn.untrace())

        units.run(actor, lambda ctx: ctx.emit("core.things.made", {}))

    said = (tmp_path / "trace").read_text(encoding="utf-8").splitlines()
    trips = [line for line in said if "\tSync" in line]
    assert len(trips) == 2
    assert not [line for line in said if "\tQuery" in line]


def test_connections_that_died_while_idle_are_replaced(units: Units, actor: Actor, migrated: Any) -> None:
    with units.open(actor), units.open(actor):
        pass
    with psycopg.connect(migrated.url(), autocommit=True) as admin:
        kill = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                  WHERE application_name = 'idle-tests' AND datname = %s"""
        killed = admin.execute(kill, [migrated.name]).fetchall()

    job = units.run(actor, make_job)

    assert len(killed) >= 2
    assert job.version == 1


def test_a_connection_that_dies_at_work_fails_its_unit_and_no_other(units: Units, actor: Actor) -> None:
    def die(ctx: Context) -> None:
        ctx.session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    with pytest.raises(DBAPIError):
        units.run(actor, die)

    assert units.run(actor, make_job).version == 1


def test_a_database_that_cannot_be_reached_is_said_to_be_away(hooks: pluggy.HookRelay, actor: Actor) -> None:
    address = "postgresql://erp_app:x@127.0.0.1:1/nowhere"
    units = Units(make_engine(address, size=1, statement_timeout_ms=1000, application_name="tests"), hooks)

    with pytest.raises(DatabaseAway):
        units.run(actor, make_job)


def test_a_column_that_changed_its_type_does_not_break_prepared_statements(
    copy_of_migrated: Callable[[], Any], hooks: pluggy.HookRelay, actor: Actor
) -> None:
    database = copy_of_migrated()
    engine = make_engine(database.url("erp_app"), size=1, statement_timeout_ms=5000, application_name="tests")
    units = Units(engine, hooks)
    job = units.run(actor, make_job).id
    units.run(actor, lambda ctx: ctx.get(Job, job))
    with psycopg.connect(database.url(), autocommit=True) as admin:
        admin.execute("ALTER TABLE core.jobs ALTER COLUMN total TYPE integer")

    again = units.run(actor, lambda ctx: ctx.get(Job, job))

    assert again.id == job
    units.close()


def test_long_statements_are_cut_off_and_times_are_in_utc(migrated: Any, hooks: pluggy.HookRelay, actor: Actor) -> None:
    engine = make_engine(migrated.url("erp_app"), size=1, statement_timeout_ms=50, application_name="tests")
    units = Units(engine, hooks)

    zone = units.run(actor, lambda ctx: ctx.session.scalar(text("SHOW TimeZone")))
    with pytest.raises(DBAPIError, match="statement timeout"):
        units.run(actor, lambda ctx: ctx.session.execute(text("SELECT pg_sleep(2)")))

    assert zone == "UTC"
    units.close()
