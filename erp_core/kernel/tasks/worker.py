"""The processes in the background: the worker, the scheduler, and how others see that they live."""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import dramatiq
import psycopg
import redis
from sqlalchemy import event

from erp_core.kernel.application import Application
from erp_core.kernel.database.engine import make_engine
from erp_core.kernel.database.unit_of_work import Units
from erp_core.kernel.ids import new_id
from erp_core.kernel.tasks.actors import Desk, declare_actors
from erp_core.kernel.tasks.broker import Interrupter, SignedRedisBroker, make_broker, make_client
from erp_core.kernel.tasks.outbox import make_hand_over
from erp_core.kernel.tasks.relay import run_relay
from erp_core.kernel.tasks.scheduler import keep_schedules

STOP_SECONDS = 8.0
STOP_SECONDS_IN_PRODUCTION = 55.0
LIFE_SIGN_SECONDS = 3.0
_LIFE_SIGN = "erp:worker:"
_LIFE_SIGN_KEPT = 12
_LONGEST_TASK_SECONDS = 600

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LifeSign:
    """A background process that lives: ``kind`` is worker or scheduler, ``started_at`` ISO 8601."""

    id: str
    kind: str
    host: str
    pid: int
    queues: tuple[str, ...]
    started_at: str


def run_worker(
    application: Application, slugs: Sequence[str] | None, stop: threading.Event, *, stop_seconds: float | None = None
) -> None:
    """Work on the queues of the packages ``slugs`` (``None``: all enabled) until ``stop``, then end in time.

    After ``stop`` running tasks may finish for a good half of ``stop_seconds`` (8; in production 55); then they are
    interrupted, rolled back and left to another worker. Nothing is lost even if this process is killed.
    """
    queues = tuple(slugs) if slugs is not None else tuple(plugin.slug for plugin in application.plugins.enabled)
    role = queues[0] if slugs is not None and len(queues) == 1 else None
    interrupter = Interrupter()
    bound = stop_seconds or (STOP_SECONDS_IN_PRODUCTION if application.settings.production else STOP_SECONDS)
    with _office(application, role, "worker", queues, application.settings.worker_threads) as office:
        broker = make_broker(application.addresses, interrupter)
        desk = Desk(office.units, office.client, application.permissions)
        declare_actors(broker, application.tasks, desk, queues)
        worker = _start(broker, application.settings.worker_threads)
        try:
            with office.beside(run_relay, office.units.engine, office.broker, application.tasks, queues):
                stop.wait()
        finally:
            _stop(worker, interrupter, bound)
            broker.client.close()


def run_scheduler(application: Application, stop: threading.Event) -> None:
    """Wait to lead, fire the schedules, tidy up, and relay for all packages, until ``stop``."""
    queues = tuple(plugin.slug for plugin in application.plugins.enabled)
    with (
        _office(application, None, "scheduler", queues, 1) as office,
        office.beside(run_relay, office.units.engine, office.broker, application.tasks, queues),
    ):
        keep_schedules(application.addresses.app, office.units, application.schedules, stop, application.upkeep)


def list_workers(redis_url: str) -> list[LifeSign]:
    """List the background processes that gave a sign of life in the last 12 seconds; ``redis_url`` names database 0."""
    client = make_client(redis_url, timeout=2.0)
    try:
        keys = sorted(client.scan_iter(match=f"{_LIFE_SIGN}*", count=500))
        found = [cast("bytes | None", client.get(key)) for key in keys]
    finally:
        client.close()
    signs = [json.loads(text) for text in found if text is not None]
    return [LifeSign(**{**sign, "queues": tuple(sign["queues"])}) for sign in signs]


@dataclass(slots=True)
class _Office:
    """What a background process holds: units of work, a client, and a broker for the relay alone."""

    units: Units
    client: redis.Redis
    broker: SignedRedisBroker
    stop: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def beside(self, function: Callable[..., None], *arguments: Any) -> Iterator[None]:
        """Run a loop in a thread while the block runs; its last argument is the event that ends it."""
        stop = threading.Event()
        thread = threading.Thread(target=function, args=(*arguments, stop), name=function.__name__, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(timeout=2.0)


@contextmanager
def _office(
    application: Application, role: str | None, kind: str, queues: tuple[str, ...], threads: int
) -> Iterator[_Office]:
    addresses = application.addresses
    address = addresses.role(role) if role is not None else addresses.app
    longest = max((task.time_limit for task in application.tasks.values()), default=_LONGEST_TASK_SECONDS)
    # A job's work, its progress and its heartbeat each want a connection; the relay wants one more.
    engine = make_engine(
        address, size=threads * 3 + 2, statement_timeout_ms=longest * 1000, application_name=f"erp-{kind}"
    )
    hand_over = make_hand_over(addresses.redis_db(0))
    event.listen(engine, "connect", _let_the_server_notice_our_death)
    units = Units(engine, application.plugins.hooks.hook, hand_over)
    client = make_client(addresses.redis_db(0), timeout=2.0)
    office = _Office(units, client, make_broker(addresses))
    try:
        with office.beside(_give_life_signs, client, kind, queues):
            yield office
    finally:
        office.broker.client.close()
        client.close()
        units.close()


def _let_the_server_notice_our_death(connection: psycopg.Connection[Any], _record: Any) -> None:
    """Ask PostgreSQL to end a statement within two seconds when this process is gone.

    Otherwise its locks would keep the work from other workers until the statement ends.
    """
    with suppress(psycopg.Error):  # Some platforms cannot watch a connection; the lease covers them.
        connection.execute("SET client_connection_check_interval = 2000")
        connection.commit()
    connection.rollback()


def _start(broker: SignedRedisBroker, threads: int) -> dramatiq.Worker:
    # Dramatiq's own command line announces this; without it time limits are not watched.
    broker.emit_after("process_boot")
    worker = dramatiq.Worker(broker, worker_threads=threads, worker_timeout=250)
    # What is fetched waits behind this worker's tasks while others may be idle, so no more is fetched than can run.
    worker.queue_prefetch = threads
    worker.start()
    return worker


def _stop(worker: dramatiq.Worker, interrupter: Interrupter, bound: float) -> None:
    """Let running tasks finish, interrupt those that do not, and give back what was fetched."""
    patience = threading.Timer(bound * 0.55, _interrupt, [interrupter])
    patience.daemon = True
    patience.start()
    try:
        worker.stop(timeout=int(bound * 800))
    except redis.RedisError as error:
        log.warning(
            "Redis did not take back what was fetched (%s); the outbox will send it again.", type(error).__name__
        )
    finally:
        patience.cancel()


def _interrupt(interrupter: Interrupter) -> None:
    number = interrupter.interrupt()
    if number:
        log.warning("Interrupted %d tasks that did not finish in time; they will be done again.", number)


def _give_life_signs(client: redis.Redis, kind: str, queues: tuple[str, ...], stop: threading.Event) -> None:
    identity = str(new_id())
    started = datetime.now(UTC).isoformat(timespec="seconds")
    sign = {
        "id": identity,
        "kind": kind,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "queues": queues,
        "started_at": started,
    }
    key = f"{_LIFE_SIGN}{identity}"
    while True:
        try:
            client.set(key, json.dumps(sign), ex=_LIFE_SIGN_KEPT)
            if stop.wait(LIFE_SIGN_SECONDS):
                client.delete(key)
                return
        except (redis.RedisError, OSError):
            if stop.wait(LIFE_SIGN_SECONDS):
                return
