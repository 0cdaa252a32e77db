"""Jobs: long work with a row that its user can follow and cancel."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from sqlalchemy import Update, func, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from erp_core.kernel.context import Actor, Context
from erp_core.kernel.database.tables import Job, JobInput
from erp_core.kernel.database.unit_of_work import Units
from erp_core.kernel.errors import Problem, ProblemList
from erp_core.kernel.ids import new_id

PROGRESS_SECONDS = 0.25
HEARTBEAT_SECONDS = 5.0
FINAL = ("done", "failed", "cancelled")

log = logging.getLogger(__name__)


class JobCancelled(Exception):
    """Somebody cancelled the job while it ran: nothing of it stays."""


@dataclass(frozen=True, slots=True)
class JobFile:
    """The file that a job was started with."""

    name: str
    media_type: str
    content: bytes


def start_job(
    ctx: Context, kind: str, task: str, arguments: dict[str, Any], *, file: tuple[str, str, bytes] | None = None
) -> UUID:
    """Queue a job and give its id; it starts after the commit.

    ``kind`` is what users read (``core.import``), ``task`` the full name of a task with ``job=True``, which is called
    with ``arguments``. ``file`` is its name, media type and content.
    """
    job = Job(tenant_id=ctx.tenant_id, id=new_id(), kind=kind, state="queued", arguments=msgspec.to_builtins(arguments))
    ctx.session.add(job)
    if file is not None:
        name, media_type, content = file
        given = JobInput(tenant_id=ctx.tenant_id, id=job.id, name=name, media_type=media_type, content=content)
        ctx.session.add(given)
    ctx.session.flush()
    ctx.defer(task, job_id=job.id)
    return job.id


@dataclass(slots=True)
class JobHandle:
    """What a running task knows of its job.

    Progress is written on another connection, so that followers see it while the work itself is not committed. The
    final state is written with the work: a job is ``done`` exactly if its effect is there.
    """

    id: UUID
    kind: str
    units: Units
    actor: Actor
    context: Context
    _reported: tuple[int, int | None] = (0, None)
    _written: float = 0.0
    _cancelled: bool = False
    _result: dict[str, Any] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def progress(self, done: int, total: int | None = None) -> None:
        """Report how far the work is, as often as you like: four times a second are written.

        Raises `JobCancelled` when the user asked for it, which undoes everything; let it pass.
        """
        self._reported = (done, total if total is not None else self._reported[1])
        if time.monotonic() - self._written >= PROGRESS_SECONDS:
            self.beat()
        if self._cancelled:
            raise JobCancelled

    def cancelled(self) -> bool:
        """Tell whether the user asked to stop, as of the last report or heartbeat."""
        return self._cancelled

    def result(self, data: dict[str, Any]) -> None:
        """Keep what the job answers when it is done: plain JSON, no secrets."""
        self._result = msgspec.to_builtins(data)

    def file(self) -> JobFile:
        """Read the file that the job was started with; ``NotFound`` if there was none."""
        given = self.context.get(JobInput, self.id)
        return JobFile(given.name, given.media_type, given.content)

    def beat(self) -> None:
        """Write progress and heartbeat now, and learn whether the job was cancelled."""
        with self._lock:
            done, total = self._reported
            alive = _change(self.actor.tenant_id, self.id, "running").values(
                done=done, total=total, heartbeat_at=func.now()
            )
            self._cancelled = not self.units.run(self.actor, lambda ctx: _touched(ctx.session, alive))
            self._written = time.monotonic()

    def finish(self, session: Session) -> None:
        """Mark the job done in the transaction of the work; `JobCancelled` if somebody was quicker."""
        done, total = self._reported
        ended = {"state": "done", "done": done, "total": total, "result": self._result}
        moment = func.clock_timestamp()
        statement = _change(self.actor.tenant_id, self.id, "running").values(
            **ended, finished_at=moment, heartbeat_at=moment
        )
        if not _touched(session, statement):
            raise JobCancelled


@contextmanager
def running_job(units: Units, ctx: Context, job: Job) -> Iterator[JobHandle]:
    """Mark a job as running, keep its heart beating during the work, and mark it done at the end.

    ``ctx`` is the unit of work of the task; everything but the end is written beside it.
    """
    handle = JobHandle(job.id, job.kind, units, ctx.actor, ctx)
    started = {"state": "running", "done": 0, "total": None, "result": None, "problem": None, "finished_at": None}
    statement = _change(ctx.tenant_id, job.id, "queued", "running").values(
        **started, started_at=func.now(), heartbeat_at=func.now()
    )
    if not units.run(ctx.actor, lambda beside: _touched(beside.session, statement)):
        raise JobCancelled
    stop = threading.Event()
    heart = threading.Thread(target=_keep_beating, args=(handle, stop), name=f"job {job.id}", daemon=True)
    heart.start()
    try:
        yield handle
    finally:
        stop.set()
        heart.join()
    handle.finish(ctx.session)


def fail_job(session: Session, tenant_id: UUID, job_id: UUID, problem: dict[str, Any]) -> None:
    """Mark a job as failed with the problem document, unless it ended in another way."""
    values = {"state": "failed", "problem": problem, "finished_at": func.clock_timestamp()}
    _touched(session, _change(tenant_id, job_id, "queued", "running").values(**values))


def requeue_job(session: Session, tenant_id: UUID, job_id: UUID) -> None:
    """Mark a job as waiting for its next attempt."""
    _touched(session, _change(tenant_id, job_id, "running").values(state="queued", done=0))


def problem_document(problem: Problem) -> dict[str, Any]:
    """Write a refusal as the document that a job keeps: code, sentence, pointer and facts, as over HTTP."""
    facts = {name: value for name, value in problem.facts.items() if name not in {"code", "status", "detail"}}
    document: dict[str, Any] = {"code": problem.code, "status": problem.status, "detail": problem.describe(), **facts}
    if problem.pointer is not None:
        document["pointer"] = problem.pointer
    if isinstance(problem, ProblemList):
        document["errors"] = [problem_document(one) for one in problem.problems]
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(document, enc_hook=str))
    return plain


def _keep_beating(handle: JobHandle, stop: threading.Event) -> None:
    while not stop.wait(HEARTBEAT_SECONDS):
        try:
            handle.beat()
        except (SQLAlchemyError, psycopg.Error, Problem) as error:
            log.warning("The heartbeat of job %s was not written: %s.", handle.id, type(error).__name__)


def _change(tenant_id: UUID, job_id: UUID, *states: str) -> Update:
    """Start an update of one job that must be in one of the states; its version counts up for ETags."""
    this = (Job.tenant_id == tenant_id, Job.id == job_id, Job.state.in_(states))
    return update(Job).where(*this).values(version=Job.version + 1, updated_at=func.clock_timestamp())


def _touched(session: Session, statement: Update) -> bool:
    answer = session.execute(statement.returning(Job.id), execution_options={"synchronize_session": False})
    return answer.first() is not None
