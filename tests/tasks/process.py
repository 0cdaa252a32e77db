"""A package of sample tasks, and the background processes that the tests start and kill.

Run as ``python process.py worker|scheduler`` with the addresses as JSON on standard input.
"""

from __future__ import annotations

import json
import logging
import signal
import sys
import threading
import time
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import pluggy
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Mapped

from erp_core.kernel.application import Addresses, Application
from erp_core.kernel.context import Context
from erp_core.kernel.database.model import TenantRow
from erp_core.kernel.errors import Problem
from erp_core.kernel.ids import new_id
from erp_core.kernel.plugins import specs
from erp_core.kernel.plugins.manager import Plugin, Plugins
from erp_core.kernel.plugins.manifest import Label, Manifest
from erp_core.kernel.settings import Settings
from erp_core.kernel.tasks.declaration import Schedule, Task
from erp_core.kernel.tasks.jobs import JobHandle
from erp_core.kernel.tasks.worker import run_scheduler, run_worker

KEY = b"the key of the tests, long enough"
LABEL = Label("muestra", "sample")


class Note(TenantRow):
    """The effect that the tests count."""

    __tablename__ = "notes"
    __table_args__ = ({"schema": "sample"},)

    text: Mapped[str]


class Unwelcome(Problem):
    code = "unwelcome"
    message = "Nobody wants {what}."


def write_note(ctx: Context, text: str) -> None:
    ctx.session.execute(insert(Note).values(tenant_id=ctx.tenant_id, id=new_id(), text=text))


def wait_for_file(ctx: Context, path: str, text: str) -> None:
    """Write a note, then take as long as the test likes."""
    write_note(ctx, text)
    Path(path).with_suffix(".started").touch()
    while not Path(path).exists():
        time.sleep(0.02)


def refuse(ctx: Context, *, job: JobHandle) -> None:
    write_note(ctx, "refused")
    raise Unwelcome(what="rain", pointer="/weather")


def break_down(ctx: Context, path: str, text: str) -> None:
    write_note(ctx, text)
    if not Path(path).exists():
        raise RuntimeError(text)


def die(ctx: Context, *, job: JobHandle) -> None:
    signal.raise_signal(signal.SIGKILL)


def import_lines(ctx: Context, *, job: JobHandle, prefix: str, pause: float) -> None:
    lines = job.file().content.decode().splitlines()
    for number, line in enumerate(lines):
        job.progress(number, len(lines))
        write_note(ctx, prefix + line)
        time.sleep(pause)
    job.progress(len(lines), len(lines))
    job.result({"lines": len(lines)})


def remember_due(ctx: Context, due: datetime) -> None:
    write_note(ctx, due.isoformat())


def sleep_too_long(ctx: Context, text: str) -> None:
    write_note(ctx, text)
    for _ in range(1000):
        time.sleep(0.01)


def wait_in_the_database(ctx: Context, seconds: int, text: str) -> None:
    write_note(ctx, text)
    ctx.session.execute(select(func.pg_sleep(seconds)))


def job_that_leaves_a_trace(ctx: Context, *, job: JobHandle, path: str, text: str) -> None:
    wait_for_file(ctx, path, text)


def audit(ctx: Context, thing: UUID) -> None:
    ctx.audit("sample.things", thing, "seen")


TASKS = (
    Task("sample.wait_in_the_database", wait_in_the_database, LABEL),
    Task("sample.job_that_leaves_a_trace", job_that_leaves_a_trace, LABEL, job=True),
    Task("sample.audit", audit, LABEL),
    Task("sample.write_note", write_note, LABEL),
    Task("sample.wait_for_file", wait_for_file, LABEL),
    Task("sample.refuse", refuse, LABEL, job=True),
    Task("sample.break_down", break_down, LABEL, max_retries=1),
    Task("sample.die", die, LABEL, job=True, max_retries=0),
    Task("sample.import_lines", import_lines, LABEL, job=True),
    Task("sample.remember_due", remember_due, LABEL),
    Task("sample.sleep_too_long", sleep_too_long, LABEL, max_retries=0, time_limit=1),
)
SCHEDULES = (Schedule("sample.every_three_seconds", "* * * * * */3", "sample.remember_due", LABEL),)


def make_application(config: dict[str, str]) -> Application:
    """Put together what `bootstrap` would for a package called sample."""
    manifest = Manifest("sample", "sample", LABEL, "1.0", ">=0.1", 3999, 3998, ("sample",), 9)
    plugin = Plugin(manifest, ModuleType("sample"), "erp-sample")
    hooks = pluggy.PluginManager(specs.PROJECT)
    hooks.add_hookspecs(specs)
    parts: dict[str, Any] = {"resources": {}, "catalogues": {}}
    return Application(
        settings=Settings(worker_threads=3),
        plugins=Plugins({"sample": plugin}, (plugin,), [], hooks),
        addresses=Addresses(config["database"], None, None, config["redis"], KEY, lambda slug: config["database"]),
        tasks={task.name: task for task in TASKS},
        schedules={schedule.name: schedule for schedule in SCHEDULES},
        routes=(), roles=(), demo=(), permissions=frozenset(), **parts,
    )  # fmt: skip


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    application = make_application(json.loads(sys.stdin.readline()))
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    if sys.argv[1] == "worker":
        run_worker(application, ["sample"], stop, stop_seconds=5.0)
    else:
        run_scheduler(application, stop)


if __name__ == "__main__":
    main()
