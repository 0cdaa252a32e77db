"""From declared tasks to Dramatiq actors: each message does its work once, in one unit of work of its tenant."""

from __future__ import annotations

import inspect
import logging
import random
import typing
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import dramatiq
import msgspec
import redis
from dramatiq.middleware import Shutdown, TimeLimitExceeded

from erp_core.kernel.context import Actor, Context
from erp_core.kernel.database.tables import Job
from erp_core.kernel.database.unit_of_work import Units
from erp_core.kernel.errors import InternalError, InvalidInput, OperatorError, Problem, StaleVersion
from erp_core.kernel.tasks.broker import SignedRedisBroker
from erp_core.kernel.tasks.declaration import Task
from erp_core.kernel.tasks.jobs import JobCancelled, fail_job, problem_document, requeue_job, running_job
from erp_core.kernel.tasks.outbox import postpone, take, take_to_do

FIRST_RETRY_SECONDS = 2.0
LONGEST_RETRY_SECONDS = 3600.0
_ATTEMPTS_KEPT_SECONDS = 7 * 86_400
log = logging.getLogger(__name__)


class TooManyAttempts(Problem):
    """The worker died in each attempt, so no exception ever came back; the log of the workers tells why."""

    code = "too_many_attempts"
    status = 500
    message = "It was tried {attempts} times and never came back; look at the workers' log."


@dataclass(frozen=True, slots=True)
class Desk:
    """What every task of a process works with.

    ``permissions`` are all that exist, because whoever deferred the task was checked.
    """

    units: Units
    client: redis.Redis
    permissions: frozenset[str]


@dataclass(slots=True)
class Attempt:
    """One delivery of one outbox entry, and what was learnt of it so far; ``number`` stays 0 until it has the entry."""

    task: Task
    actor: Actor
    entry_id: UUID
    number: int = 0
    job_id: UUID | None = None

    @property
    def tenant_id(self) -> UUID:
        return self.actor.tenant_id


def declare_actors(broker: SignedRedisBroker, tasks: Mapping[str, Task], desk: Desk, slugs: Collection[str]) -> None:
    """Make one actor for every task of the packages ``slugs``; the queue is the slug."""
    for task in tasks.values():
        slug = task.name.partition(".")[0]
        if slug in slugs:
            _check_annotations(task)
            options = {"time_limit": task.time_limit * 1000}
            function = _function(desk, task)
            dramatiq.Actor(function, broker=broker, actor_name=task.name, queue_name=slug, priority=0, options=options)


def _function(desk: Desk, task: Task) -> Callable[..., None]:
    def perform_message(tenant_id: str, entry_id: str) -> None:
        actor = Actor(UUID(tenant_id), permissions=desk.permissions)
        perform(desk, Attempt(task, actor, UUID(entry_id)))

    return perform_message


def perform(desk: Desk, attempt: Attempt) -> None:
    """Do the work of one delivery, or write down what shall become of it.

    Whatever escapes from here could not be written to the database and is repeated by the broker.
    """
    try:
        desk.units.run(attempt.actor, lambda ctx: _carry_out(desk, ctx, attempt))
    except Problem as problem:
        if not is_final(problem):
            _fail(desk, attempt, problem)
            return
        log.info("The task %s was refused: %s.", attempt.task.name, problem.code)
        _give_up(desk, attempt, problem_document(problem))
    except JobCancelled:
        _give_up(desk, attempt, None)
    except Shutdown:
        _count(desk.client, attempt, -1)
        desk.units.run(attempt.actor, lambda ctx: _wait(ctx, attempt, 0.0))
    except (Exception, TimeLimitExceeded) as error:  # noqa: BLE001 - whatever a task raises is written down and retried
        _fail(desk, attempt, error)
    else:
        _forget_attempts(desk.client, attempt)


def is_final(problem: Problem) -> bool:
    """Tell a refusal, which stays the same however often one asks, from bad luck.

    Bad luck is the database away, or a row that changed meanwhile.
    """
    return isinstance(problem, TooManyAttempts) or (problem.status < 500 and not isinstance(problem, StaleVersion))


def _carry_out(desk: Desk, ctx: Context, attempt: Attempt) -> None:
    """Take the entry, note it as done and do the work, all in one transaction."""
    entry = take_to_do(ctx.session, attempt.tenant_id, attempt.entry_id, attempt.task.name)
    if entry is None:
        return
    if attempt.task.job:
        attempt.job_id = UUID(entry.payload["job_id"])
    if attempt.number == 0:
        attempt.number = _count(desk.client, attempt, 1)
    language = {"language": entry.language, "time_zone": entry.time_zone} if entry.language else {}
    ctx.actor = replace(ctx.actor, user_id=entry.user_id, request_id=entry.request_id or "", **language)
    attempt.actor = ctx.actor
    if not attempt.task.job:
        attempt.task.run(ctx, **_arguments(attempt.task, entry.payload))
        return
    job = ctx.get(Job, UUID(entry.payload["job_id"]))
    arguments = _arguments(attempt.task, job.arguments)
    ctx.session.expunge(job)
    with running_job(desk.units, ctx, job) as handle:
        attempt.task.run(ctx, job=handle, **arguments)


def _fail(desk: Desk, attempt: Attempt, error: BaseException) -> None:
    """Try again later, longer each time, or give up after the task's retries; the outbox entry stays for a replay."""
    log.error("The task %s failed at attempt %d.", attempt.task.name, attempt.number, exc_info=error)
    if attempt.number > attempt.task.max_retries:
        log.error("The task %s is given up after %d attempts.", attempt.task.name, attempt.number)
        problem = problem_document(InternalError(request_id=attempt.actor.request_id))
        _give_up(desk, attempt, {**problem, "error": type(error).__name__, "attempts": attempt.number})
        return
    seconds = retry_seconds(attempt.number)
    desk.units.run(attempt.actor, lambda ctx: _wait(ctx, attempt, seconds))


def retry_seconds(attempts: int) -> float:
    """Give the pause after so many attempts: 2 s, doubled each time up to an hour, and up to half more by chance."""
    pause = min(FIRST_RETRY_SECONDS * 2.0 ** max(attempts - 1, 0), LONGEST_RETRY_SECONDS)
    return pause * random.uniform(1.0, 1.5)  # noqa: S311 - it spreads load and protects nothing


def _wait(ctx: Context, attempt: Attempt, seconds: float) -> None:
    postpone(ctx.session, attempt.tenant_id, attempt.entry_id, seconds)
    if attempt.job_id is not None:
        requeue_job(ctx.session, attempt.tenant_id, attempt.job_id)


def _give_up(desk: Desk, attempt: Attempt, problem: dict[str, Any] | None) -> None:
    def settle(ctx: Context) -> None:
        owed = take(ctx.session, attempt.tenant_id, attempt.entry_id)
        if owed and attempt.job_id is not None and problem is not None:
            fail_job(ctx.session, attempt.tenant_id, attempt.job_id, problem)

    desk.units.run(attempt.actor, settle)
    _forget_attempts(desk.client, attempt)


def _arguments(task: Task, payload: dict[str, Any]) -> dict[str, Any]:
    """Turn JSON into the types that the task's parameters are annotated with (UUID, datetime, Decimal, structs)."""
    hints = typing.get_type_hints(task.run)
    try:
        return {name: msgspec.convert(value, hints.get(name, Any), strict=False) for name, value in payload.items()}
    except msgspec.ValidationError as error:
        raise InvalidInput(reason=str(error)) from error


def _check_annotations(task: Task) -> None:
    """Refuse, before anything runs, a task whose parameter types cannot be read or that cannot take its job."""
    try:
        typing.get_type_hints(task.run)
    except NameError as error:
        sentence = f"The annotations of the task {task.name} cannot be read: {error}."
        raise OperatorError(sentence, "Import the name outside TYPE_CHECKING.") from error
    parameters = inspect.signature(task.run).parameters
    open_ended = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    if task.job and "job" not in parameters and not open_ended:
        sentence = f"The task {task.name} is declared with job=True and takes no `job`."
        raise OperatorError(sentence, "Give its function a keyword argument `job: JobHandle`.")


def _count(client: redis.Redis, attempt: Attempt, change: int) -> int:
    """Count attempts, also those that killed their worker; a lost count only means more patience."""
    if change < 0 and attempt.number == 0:
        return 0
    key = _attempts_key(attempt)
    try:
        with client.pipeline() as pipeline:
            pipeline.incrby(key, change)
            pipeline.expire(key, _ATTEMPTS_KEPT_SECONDS)
            number = int(pipeline.execute()[0])
    except (redis.RedisError, OSError):
        return 1
    if change > 0 and number > attempt.task.max_retries + 1:
        raise TooManyAttempts(attempts=number - 1)
    return number


def _forget_attempts(client: redis.Redis, attempt: Attempt) -> None:
    if attempt.number:
        with suppress(redis.RedisError, OSError):
            client.delete(_attempts_key(attempt))


def _attempts_key(attempt: Attempt) -> str:
    return f"erp:attempts:{attempt.tenant_id}:{attempt.entry_id}"
