"""Jobs as their users see them: progress while the work runs, a result or a problem at the end, and cancelling."""

from __future__ import annotations

from uuid import uuid4

import pytest
from sqlalchemy import select

from erp_core.kernel.context import Actor
from erp_core.kernel.database.tables import AuditEntry, Job
from erp_core.kernel.errors import Forbidden, NotFound
from erp_core.kernel.tasks.jobs import start_job
from erp_core.kernel.tasks.routes import JobEnded, JobsQuery, cancel_job, get_job, list_jobs

TEN_LINES = ("lines.csv", "text/csv", "\n".join(f"line {number}" for number in range(10)).encode())


def start_import(place, pause, file=TEN_LINES):
    arguments = {"prefix": "> ", "pause": pause}
    return place.as_user(lambda ctx: start_job(ctx, "sample.import", "sample.import_lines", arguments, file=file))


def read(place, job_id):
    return place.as_user(lambda ctx: get_job.function(ctx, job_id))


def cancel(place, job_id):
    return place.as_user(lambda ctx: cancel_job.function(ctx, job_id))


def test_progress_is_seen_while_the_work_itself_is_not(place, worker, until):
    job_id = start_import(place, 0.15)

    seen = until(lambda: (job := read(place, job_id)).done > 2 and job)
    notes_then = place.notes()
    until(lambda: read(place, job_id).state == "done")

    assert (seen.state, seen.total) == ("running", 10)
    assert seen.heartbeat_at is not None
    assert notes_then == []
    assert len(place.notes()) == 10


def test_a_done_job_tells_its_result(place, worker, until):
    job_id = start_import(place, 0)

    job = until(lambda: (job := read(place, job_id)).state == "done" and job)

    assert (job.done, job.total, job.result, job.problem) == (10, 10, {"lines": 10}, None)
    assert job.finished_at >= job.started_at >= job.created_at
    assert place.notes()[0] == "> line 0"


def test_a_refused_job_keeps_the_problem_and_nothing_else(place, worker, until):
    job_id = place.as_user(lambda ctx: start_job(ctx, "sample.refusal", "sample.refuse", {}))

    job = until(lambda: (job := read(place, job_id)).state == "failed" and job)

    expected = {
        "code": "unwelcome",
        "status": 422,
        "detail": "Nobody wants rain.",
        "what": "rain",
        "pointer": "/weather",
    }
    assert job.problem == expected
    assert place.notes() == []
    assert place.owed() == 0


def test_a_job_without_its_file_is_refused(place, worker, until):
    job_id = start_import(place, 0, file=None)

    job = until(lambda: (job := read(place, job_id)).state == "failed" and job)

    assert job.problem["code"] == "not_found"


def test_a_running_job_that_is_cancelled_leaves_nothing(place, worker, until):
    job_id = start_import(place, 0.3)
    until(lambda: read(place, job_id).done > 0)

    answer = cancel(place, job_id)
    until(lambda: place.owed() == 0)

    assert answer.state == "cancelled"
    assert read(place, job_id).state == "cancelled"
    assert place.notes() == []


def test_a_job_that_ended_cannot_be_cancelled(place, worker, until):
    job_id = start_import(place, 0)
    until(lambda: read(place, job_id).state == "done")

    with pytest.raises(JobEnded):
        cancel(place, job_id)

    assert len(place.notes()) == 10


def test_the_job_of_another_user_is_not_there_without_the_permission(place):
    job_id = start_import(place, 0)
    stranger = Actor(place.tenant_id, uuid4())
    supervisor = Actor(place.tenant_id, uuid4(), frozenset({"core.jobs.read"}))

    with pytest.raises(NotFound):
        place.units.run(stranger, lambda ctx: get_job.function(ctx, job_id))
    with pytest.raises(NotFound):
        place.units.run(supervisor, lambda ctx: cancel_job.function(ctx, job_id))

    assert place.units.run(supervisor, lambda ctx: get_job.function(ctx, job_id)).id == job_id


def test_the_list_shows_own_jobs_newest_first(place):
    mine = [start_import(place, 0) for _ in range(3)]
    stranger = Actor(place.tenant_id, uuid4())
    supervisor = Actor(place.tenant_id, uuid4(), frozenset({"core.jobs.read"}))
    theirs = place.units.run(stranger, lambda ctx: start_job(ctx, "sample.refusal", "sample.refuse", {}))

    own = place.as_user(lambda ctx: list_jobs.function(ctx, JobsQuery(limit=2)))
    everyone = place.units.run(supervisor, lambda ctx: list_jobs.function(ctx, JobsQuery(everyone=True)))
    with pytest.raises(Forbidden):
        place.as_user(lambda ctx: list_jobs.function(ctx, JobsQuery(everyone=True)))

    assert [job.id for job in own.items] == [mine[2], mine[1]]
    assert {job.id for job in everyone.items} == {*mine, theirs}


def test_starting_a_job_is_audited_but_its_progress_is_not(place, worker, until):
    job_id = start_import(place, 0.05)
    until(lambda: read(place, job_id).state == "done")

    actions = place.as_user(
        lambda ctx: ctx.session.scalars(select(AuditEntry.action).where(AuditEntry.object_id == job_id)).all()
    )

    assert actions == ["create"]


def test_each_change_of_a_job_counts_its_version_up(place, worker, until):
    job_id = start_import(place, 0)
    before = place.as_user(lambda ctx: ctx.get(Job, job_id).version)

    until(lambda: read(place, job_id).state == "done")

    assert read(place, job_id).version >= before + 2
