"""Where users follow and cancel their jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from sqlalchemy import select

from erp_core.kernel.context import Context
from erp_core.kernel.database.tables import Job
from erp_core.kernel.errors import NotFound, Problem
from erp_core.kernel.http.routing import SIGNED_IN, Route, route
from erp_core.kernel.tasks.jobs import FINAL

READ = "core.jobs.read"
CANCEL = "core.jobs.cancel"


class JobEnded(Problem):
    """The job is over and can no longer be cancelled."""

    code = "job_ended"
    status = 409
    message = "The job is {state} and can no longer be cancelled."


class JobView(msgspec.Struct, kw_only=True):
    """A job as users see it; ``done`` of ``total`` is the progress, ``result`` or ``problem`` the end."""

    id: UUID
    kind: str
    state: str
    done: int
    total: int | None
    result: Any
    problem: Any
    version: int
    created_at: datetime
    created_by: UUID | None
    started_at: datetime | None
    finished_at: datetime | None
    heartbeat_at: datetime | None


class JobList(msgspec.Struct):
    """Jobs, newest first."""

    items: list[JobView]


class JobsQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which jobs: at most ``limit``, in one ``state``, and with ``everyone`` also those of others."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50
    state: str | None = None
    everyone: bool = False


@route("GET", "/jobs", SIGNED_IN, also=(READ,))
def list_jobs(ctx: Context, query: JobsQuery) -> JobList:
    """List your jobs, newest first; those of others need core.jobs.read."""
    wanted = select(Job).where(Job.tenant_id == ctx.tenant_id, Job.archived_at.is_(None))
    if query.everyone:
        ctx.require(READ)
    else:
        wanted = wanted.where(Job.created_by == ctx.user_id)
    if query.state is not None:
        wanted = wanted.where(Job.state == query.state)
    newest = wanted.order_by(Job.created_at.desc(), Job.id.desc()).limit(query.limit)
    return JobList([_view(job) for job in ctx.session.scalars(newest)])


@route("GET", "/jobs/{job_id:uuid}", SIGNED_IN, problems=(NotFound,), also=(READ,))
def get_job(ctx: Context, job_id: UUID) -> JobView:
    """Read one job: its state, progress and, at the end, its result or problem."""
    return _view(_own(ctx, job_id, READ))


@route("POST", "/jobs/{job_id:uuid}/cancel", SIGNED_IN, problems=(NotFound, JobEnded), also=(CANCEL,))
def cancel_job(ctx: Context, job_id: UUID) -> JobView:
    """Cancel a job that waits or runs; nothing of its work stays. Those of others need core.jobs.cancel."""
    job = _own(ctx, job_id, CANCEL, lock=True)
    if job.state in FINAL:
        raise JobEnded(state=job.state)
    job.state = "cancelled"
    job.finished_at = ctx.now()
    ctx.session.flush()
    return _view(job)


ROUTES: tuple[Route, ...] = (list_jobs, get_job, cancel_job)


def _own(ctx: Context, job_id: UUID, permission: str, *, lock: bool = False) -> Job:
    """Read a job of the caller; one of somebody else is not there, unless the permission opens it."""
    job = ctx.get(Job, job_id, lock=lock)
    if (ctx.user_id is None or job.created_by != ctx.user_id) and permission not in ctx.actor.permissions:
        raise NotFound(resource="jobs", id=str(job_id))
    return job


def _view(job: Job) -> JobView:
    return JobView(**{name: getattr(job, name) for name in JobView.__struct_fields__})
