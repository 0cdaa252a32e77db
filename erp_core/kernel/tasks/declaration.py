"""Tasks and schedules, declared as data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from erp_core.kernel.plugins.manifest import Label


@dataclass(frozen=True, slots=True)
class Task:
    """Background work: ``run(ctx, **arguments)`` in one unit of work of its tenant.

    ``name`` is ``<slug>.<verb_noun>``; the slug names the queue. The effect and the note that the message was done are
    one transaction, so a repeat does nothing. The arguments come as JSON and are turned into the types that the
    parameters are annotated with (UUID, datetime, Decimal, structs). ``time_limit`` is in seconds. A task with
    ``job=True`` is started by `start_job`, takes its ``job: JobHandle`` as a keyword argument and reports progress to
    it.

    A `Problem` is final. Any other exception is tried again, at most ``max_retries`` times, with growing pauses.
    """

    name: str
    run: Callable[..., Any]
    label: Label
    job: bool = False
    max_retries: int = 5
    time_limit: int = 600


@dataclass(frozen=True, slots=True)
class Schedule:
    """A task that starts by the clock, once for every active tenant.

    ``name`` is ``<slug>.<what>``; ``cron`` has five fields and is read in ``time_zone``; ``task`` is the full name of a
    declared task, which gets ``due`` (ISO 8601, the moment it was meant for) as its argument.
    """

    name: str
    cron: str
    task: str
    label: Label
    time_zone: str = "America/Mexico_City"
