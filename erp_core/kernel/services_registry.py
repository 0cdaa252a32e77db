"""Which processes run: each tells Redis that it lives, so that the doctor can compare them.

One hash, ``erp:services`` in Redis database 0, holds a member for each process. Times are those of Redis, so that the
clocks of several machines do not matter. The registry is for operators only: nothing that serves a request depends on
it.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, cast

import msgspec
import redis

if TYPE_CHECKING:
    from redis import Redis

KEY: Final = "erp:services"
EVERY: Final = 10.0
LIFETIME: Final = 30.0

_log = logging.getLogger(__name__)


class ServiceRecord(msgspec.Struct, frozen=True):
    """One running process; ``kind`` is api, worker or scheduler, ``at`` the Unix time of its last sign of life."""

    kind: str
    slugs: tuple[str, ...]
    host: str
    pid: int
    port: int
    version: str
    jwt_fingerprint: str
    at: float = 0.0

    @property
    def name(self) -> str:
        return f"{self.host}:{self.pid}"


def describe_service(
    kind: str, slugs: tuple[str, ...], *, version: str, port: int = 0, jwt_secret: str | None = None
) -> ServiceRecord:
    """Describe this process; of the secret only a fingerprint is kept."""
    return ServiceRecord(kind, slugs, socket.gethostname(), os.getpid(), port, version, jwt_fingerprint(jwt_secret))


def jwt_fingerprint(secret: str | None) -> str:
    """Give 16 hexadecimal digits that are equal for equal secrets; empty when there is none."""
    if not secret:
        return ""
    return hmac.new(secret.encode(), b"erp: does every service have the same JWT_SECRET?", hashlib.sha256).hexdigest()[
        :16
    ]


def register_service(client: Redis, record: ServiceRecord) -> None:
    """Say that the process lives; to be repeated every ``EVERY`` seconds."""
    alive = msgspec.structs.replace(record, at=_redis_time(client))
    client.hset(KEY, record.name, msgspec.json.encode(alive).decode())


def forget_service(client: Redis, record: ServiceRecord) -> None:
    """Say that the process ends."""
    client.hdel(KEY, record.name)


def list_services(client: Redis) -> list[ServiceRecord]:
    """List the processes that gave a sign of life within ``LIFETIME`` seconds, and drop the others."""
    now = _redis_time(client)
    found: list[ServiceRecord] = []
    for name, value in cast("dict[bytes, bytes]", client.hgetall(KEY)).items():
        try:
            record = msgspec.json.decode(value, type=ServiceRecord)
        except msgspec.MsgspecError:
            record = None
        if record is None or now - record.at > LIFETIME:
            client.hdel(KEY, name.decode())
        else:
            found.append(record)
    return sorted(found, key=lambda record: (record.kind, record.slugs, record.name))


@contextmanager
def registered(url: str, record: ServiceRecord) -> Iterator[None]:
    """Keep a process registered while the context is open, from a thread of its own; an absent Redis is only logged."""
    client = redis.Redis.from_url(url, socket_timeout=3, socket_connect_timeout=3)
    ended = threading.Event()
    thread = threading.Thread(target=_keep, args=(client, record, ended), name="services-registry", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(timeout=4)
        with suppress(redis.RedisError):
            forget_service(client, record)
        client.close()


def _keep(client: Redis, record: ServiceRecord, ended: threading.Event) -> None:
    told = False
    while True:
        try:
            register_service(client, record)
            told = False
        except redis.RedisError as error:
            if not told:
                _log.warning("the registry of services cannot be written: %s", type(error).__name__)
            told = True
        if ended.wait(EVERY):
            return


def _redis_time(client: Redis) -> float:
    seconds, microseconds = client.time()
    return seconds + microseconds / 1_000_000
