"""One unit of work is one transaction of one tenant: all of it is there afterwards, or nothing is."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pluggy
import psycopg
import pytest
from sqlalchemy import delete, select, text
from sqlalchemy.exc import DBAPIError

from erp_core.kernel.context import Actor, Context, Pending
from erp_core.kernel.database.engine import make_engine
from erp_core.kernel.database.tables import AuditEntry, InboxEntry, Job, OutboxEntry, OutboxPending
from erp_core.kernel.database.unit_of_work import ATTEMPTS, Units
from erp_core.kernel.errors import Problem, StaleVersion
from erp_core.kernel.ids import new_id


@dataclass(slots=True)
class Broker:
    """Remembers what it was handed, and what was in the database at that moment."""

    look: Callable[[UUID], int]
    handed: list[tuple[list[Pending], int]] = field(default_factory=list)

    def __call__(self, actor: Actor, pending: list[Pending]) -> None:
        self.handed.append((pending, self.look(actor.tenant_id)))


@pytest.fixture
def hooks() -> pluggy.HookRelay:
    return pluggy.PluginManager("erp").hook


@pytest.fixture
def units(migrated: Any, hooks: pluggy.HookRelay) -> Iterator[Units]:
    engine = make_engine(migrated.url("erp_app"), size=4, statement_timeout_ms=10_000, application_name="tests")
    made = Units(engine, hooks)
    yield made
    made.close()


@pytest.fixture
def actor() -> Actor:
    return Actor(new_id(), new_id(), request_id="r-1", address="192.0.2.7")


@pytest.fixture
def broker(migrated: Any) -> Broker:
    def look(tenant: UUID) -> int:
        with psycopg.connect(migrated.url()) as conn:
            row = conn.execute("SELECT count(*) FROM core.outbox WHERE tenant_id = %s", [tenant]).fetchone()
        assert row is not None
        return int(row[0])

    return Broker(look)


def make_job(ctx: Context) -> Job:
    job = Job(kind="probe", arguments={"of": "tests"})
    ctx.session.add(job)
    ctx.session.flush()
    return job


def audit_of(units: Units, actor: Actor) -> list[AuditEntry]:
    def read(ctx: Context) -> list[AuditEntry]:
        query = select(AuditEntry).where(AuditEntry.tenant_id == ctx.tenant_id).order_by(AuditEntry.id)
        return list(ctx.session.scalars(query))

    return units.run(actor, read, read_only=True)


def rows_of(units: Units, actor: Actor, model: Any) -> int:
    def read(ctx: Context) -> int:
        return len(list(ctx.session.scalars(select(model).where(model.tenant_id == ctx.tenant_id))))

    return units.run(actor, read, read_only=True)


def test_a_new_row_is_given_its_tenant_its_id_and_its_maker(units: Units, actor: Actor) -> None:
    job = units.run(actor, make_job)

    assert (job.tenant_id, job.created_by, job.updated_by, job.version) == (
        actor.tenant_id,
        actor.user_id,
        actor.user_id,
        1,
    )
    assert job.id.version == 7


def test_a_change_is_audited_with_the_row_before_and_after(units: Units, actor: Actor) -> None:
    job = units.run(actor, make_job)

    units.run(actor, lambda ctx: setattr(ctx.get(Job, job.id), "done", 7))

    made, changed = audit_of(units, actor)
    assert (made.action, made.before, made.after["done"], made.after["version"]) == ("create", None, 0, 1)
    assert (changed.action, changed.before["done"], changed.after["done"]) == ("update", 0, 7)
    assert (changed.before["version"], changed.after["version"]) == (1, 2)
    assert (changed.resource, changed.object_id, changed.user_id) == ("core.jobs", job.id, actor.user_id)
    assert (changed.request_id, changed.address) == ("r-1", "192.0.2.7")


def test_archiving_and_restoring_and_deleting_have_names_of_their_own(units: Units, actor: Actor) -> None:
    job = units.run(actor, make_job)

    units.run(actor, lambda ctx: setattr(ctx.get(Job, job.id), "archived_at", datetime.now(UTC)))
    units.run(actor, lambda ctx: setattr(ctx.get(Job, job.id), "archived_at", None))
    units.run(actor, lambda ctx: ctx.session.delete(ctx.get(Job, job.id)))

    entries = audit_of(units, actor)
    assert [entry.action for entry in entries] == ["create", "archive", "restore", "delete"]
    assert entries[-1].before["version"] == 3
    assert entries[-1].after is None


def test_a_row_that_was_only_read_leaves_no_trace(units: Units, actor: Actor) -> None:
    job = units.run(actor, make_job)

    again = units.run(actor, lambda ctx: ctx.get(Job, job.id))

    assert again.version == 1
    assert len(audit_of(units, actor)) == 1


def test_a_secret_column_is_left_out_of_the_audit(units: Units, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(Job.__table__.c.arguments.info, "secret", True)

    units.run(actor, make_job)

    (entry,) = audit_of(units, actor)
    assert "arguments" not in entry.after
    assert entry.after["kind"] == "probe"


def test_a_model_may_say_the_name_of_its_resource(units: Units, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Job, "__resource__", "core.long_work", raising=False)

    units.run(actor, make_job)

    (entry,) = audit_of(units, actor)
    assert entry.resource == "core.long_work"


def test_what_the_session_cannot_see_is_audited_by_hand(units: Units, actor: Actor) -> None:
    thing = new_id()

    units.run(actor, lambda ctx: ctx.audit("core.things", thing, "import", None, {"rows": 3}))

    (entry,) = audit_of(units, actor)
    assert (entry.resource, entry.object_id, entry.action, entry.after) == ("core.things", thing, "import", {"rows": 3})


def test_events_and_tasks_are_written_with_the_change_and_wait_for_the_relay(units: Units, actor: Actor) -> None:
    def announce(ctx: Context) -> UUID:
        ctx.emit("core.things.made", {"id": "1"})
        return ctx.defer("vidrio.cut_glass", order="7")

    message = units.run(actor, announce)

    def read(ctx: Context) -> tuple[list[OutboxEntry], list[OutboxPending]]:
        mine = OutboxEntry.tenant_id == ctx.tenant_id
        written = list(ctx.session.scalars(select(OutboxEntry).where(mine).order_by(OutboxEntry.id)))
        waiting = select(OutboxPending).where(OutboxPending.tenant_id == ctx.tenant_id).order_by(OutboxPending.id)
        return written, list(ctx.session.scalars(waiting))

    written, waiting = units.run(actor, read, read_only=True)
    assert [(entry.kind, entry.name, entry.payload) for entry in written] == [
        ("event", "core.things.made", {"id": "1"}),
        ("task", "vidrio.cut_glass", {"order": "7"}),
    ]
    assert [(entry.queue, entry.name) for entry in waiting] == [
        ("core", "core.things.made"),
        ("vidrio", "vidrio.cut_glass"),
    ]
    assert written[1].id == waiting[1].id == message


def test_a_refusal_leaves_nothing_behind(units: Units, actor: Actor, broker: Broker) -> None:
    units.on_commit = broker

    def refuse(ctx: Context) -> None:
        make_job(ctx)
        ctx.emit("core.jobs.made", {})
        raise Problem

    with pytest.raises(Problem):
        units.run(actor, refuse)

    left = [rows_of(units, actor, model) for model in (Job, AuditEntry, OutboxEntry, OutboxPending)]
    assert left == [0, 0, 0, 0]
    assert broker.handed == []


def test_a_ledger_that_cannot_be_written_undoes_the_change(units: Units, actor: Actor) -> None:
    def forge(ctx: Context) -> None:
        make_job(ctx)
        ctx.audit("core.jobs", new_id(), None, None, None)  # type: ignore[arg-type]

    with pytest.raises((DBAPIError, psycopg.Error)):
        units.run(actor, forge)

    assert rows_of(units, actor, Job) == 0


def test_the_broker_is_told_once_and_after_the_commit(units: Units, actor: Actor, broker: Broker) -> None:
    units.on_commit = broker

    units.run(actor, lambda ctx: ctx.emit("core.things.made", {}))

    ((pending, visible),) = broker.handed
    assert ([entry.name for entry in pending], visible) == (["core.things.made"], 1)


def test_a_broker_that_is_away_does_not_undo_what_is_committed(
    units: Units, actor: Actor, caplog: pytest.LogCaptureFixture
) -> None:
    def away(_actor: Actor, _pending: list[Pending]) -> None:
        raise ConnectionError

    units.on_commit = away

    units.run(actor, lambda ctx: ctx.emit("core.things.made", {}))

    assert rows_of(units, actor, OutboxPending) == 1
    assert "relay" in caplog.text


def test_whoever_read_before_a_change_is_told_that_the_row_is_stale(units: Units, actor: Actor) -> None:
    job = units.run(actor, make_job)

    def late(ctx: Context) -> None:
        mine = ctx.get(Job, job.id)
        units.run(actor, lambda other: setattr(other.get(Job, job.id), "done", 1))
        mine.done = 2

    with pytest.raises(StaleVersion):
        units.run(actor, late)


def test_a_deadlock_is_resolved_by_running_one_of_the_two_again(units: Units, actor: Actor) -> None:
    first, second = units.run(actor, make_job).id, units.run(actor, make_job).id
    meeting, runs = threading.Barrier(2, timeout=10), []

    def cross(here: UUID, there: UUID) -> Callable[[Context], None]:
        def work(ctx: Context) -> None:
            runs.append(here)
            ctx.get(Job, here, lock=True).done += 1
            if runs.count(here) == 1:
                meeting.wait()
            ctx.get(Job, there, lock=True).done += 1

        return work

    with ThreadPoolExecutor(2) as threads:
        both = [threads.submit(units.run, actor, cross(*pair)) for pair in ((first, second), (second, first))]
        for one in both:
            one.result(timeout=30)

    done = units.run(actor, lambda ctx: [ctx.get(Job, first).done, ctx.get(Job, second).done])
    assert done == [2, 2]
    assert len(runs) > 2


def test_a_serialization_failure_is_run_again_with_nothing_of_the_first_try(
    units: Units, actor: Actor, broker: Broker
) -> None:
    job = units.run(actor, make_job).id
    units.on_commit = broker
    tries = []

    def raise_by_one(ctx: Context) -> None:
        tries.append(ctx)
        ctx.session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        row = ctx.get(Job, job)
        if len(tries) == 1:
            units.run(actor, lambda other: setattr(other.get(Job, job), "done", 10))
        query = text("UPDATE core.jobs SET done = done + 1 WHERE tenant_id = :t AND id = :i")
        ctx.session.execute(query, {"t": row.tenant_id, "i": row.id})
        ctx.emit("core.jobs.raised", {})

    units.run(actor, raise_by_one)

    assert units.run(actor, lambda ctx: ctx.get(Job, job).done) == 11
    assert len(tries) == 2
    assert [len(pending) for pending, _ in broker.handed] == [1]


def test_running_again_has_an_end(units: Units, actor: Actor) -> None:
    tries = []

    def never(ctx: Context) -> None:
        tries.append(1)
        ctx.session.execute(text("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40001'; END $$"))

    with pytest.raises(DBAPIError):
        units.run(actor, never)

    assert len(tries) == ATTEMPTS


def test_an_open_unit_is_committed_at_the_end_of_its_block(units: Units, actor: Actor) -> None:
    with units.open(actor) as ctx:
        job = make_job(ctx)

    assert units.run(actor, lambda other: other.get(Job, job.id).kind) == "probe"


def test_a_service_that_commits_does_not_end_the_unit(units: Units, actor: Actor) -> None:
    def impatient(ctx: Context) -> None:
        make_job(ctx)
        ctx.session.commit()
        raise Problem

    with pytest.raises(Problem):
        units.run(actor, impatient)

    assert rows_of(units, actor, Job) == 0


def test_a_service_that_rolls_back_is_told_that_it_may_not(units: Units, actor: Actor) -> None:
    def hasty(ctx: Context) -> None:
        make_job(ctx)
        ctx.session.rollback()

    with pytest.raises(RuntimeError, match="only the unit of work"):
        units.run(actor, hasty)


def test_a_database_error_that_a_service_swallowed_is_not_taken_for_success(units: Units, actor: Actor) -> None:
    def careless(ctx: Context) -> None:
        with contextlib.suppress(DBAPIError):
            ctx.session.execute(text("SELECT 1/0"))

    with pytest.raises(RuntimeError, match="savepoint"):
        units.run(actor, careless)


def test_what_fails_in_a_savepoint_leaves_the_rest_of_the_unit(units: Units, actor: Actor) -> None:
    def careful(ctx: Context) -> Job:
        job = make_job(ctx)
        with contextlib.suppress(DBAPIError), ctx.session.begin_nested():
            ctx.session.execute(text("SELECT 1/0"))
        return job

    units.run(actor, careful)

    assert rows_of(units, actor, Job) == 1


def test_reading_units_cannot_write(units: Units, actor: Actor) -> None:
    with pytest.raises(DBAPIError, match="read-only"):
        units.run(actor, make_job, read_only=True)


def test_units_of_two_tenants_do_not_see_each_other(units: Units, actor: Actor) -> None:
    units.run(actor, make_job)
    stranger = Actor(new_id())

    seen = rows_of(units, stranger, Job)
    deleted = units.run(stranger, lambda ctx: ctx.session.execute(delete(Job)).rowcount)  # type: ignore[attr-defined]

    assert (seen, deleted) == (0, 0)


def test_a_row_for_another_tenant_is_refused(units: Units, actor: Actor) -> None:
    def smuggle(ctx: Context) -> None:
        ctx.session.add(InboxEntry(tenant_id=new_id(), task="core.probe"))

    with pytest.raises(DBAPIError, match="row-level security"):
        units.run(actor, smuggle)
