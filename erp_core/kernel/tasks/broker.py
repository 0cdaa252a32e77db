"""The message broker: Dramatiq on Redis, with every message signed."""

from __future__ import annotations

import hashlib
import hmac
import logging
import threading
from typing import Any, cast

import redis
from dramatiq.broker import Broker
from dramatiq.brokers.redis import RedisBroker
from dramatiq.message import Message
from dramatiq.middleware import Callbacks, Middleware, Retries, Shutdown, TimeLimit
from dramatiq.middleware.threading import raise_thread_exception

from erp_core.kernel.application import Addresses
from erp_core.kernel.errors import OperatorError

NAMESPACE = "erp"
# A worker that was silent for so long is taken for dead and its messages are given to others. Being wrong about it is
# harmless: whoever holds the pending row does the work, and a second delivery does nothing.
HEARTBEAT_TIMEOUT_MS = 10_000
# Out of a million commands; looking for dead workers costs two short lookups in Redis, so every command does it and a
# killed worker's messages return as soon as the heartbeat has run out.
MAINTENANCE_CHANCE = 1_000_000
DEAD_MESSAGE_TTL_MS = 86_400_000
# Retries that a task deserves are kept in PostgreSQL; these serve when not even that could be written.
NET_BACKOFF_MS = (5_000, 60_000)
_SIGNATURE_LENGTH = 64

log = logging.getLogger(__name__)


def seal(key: bytes, queue: str, message: bytes) -> bytes:
    """Put the signature (64 hexadecimal digits) in front of a message; it holds for this queue only."""
    return _signature(key, queue, message) + message


def unseal(key: bytes, queue: str, sealed: bytes | None) -> bytes | None:
    """Give the message back if its signature is right for this queue, otherwise ``None``."""
    if sealed is None or len(sealed) <= _SIGNATURE_LENGTH:
        return None
    signature, message = sealed[:_SIGNATURE_LENGTH], sealed[_SIGNATURE_LENGTH:]
    return message if hmac.compare_digest(signature, _signature(key, queue, message)) else None


def _signature(key: bytes, queue: str, message: bytes) -> bytes:
    return hmac.new(key, queue.encode() + b"\0" + message, hashlib.sha256).hexdigest().encode()


class SignedRedisBroker(RedisBroker):
    """Dramatiq's Redis broker that signs what it sends and drops what it cannot verify.

    Dramatiq finds the ``do_`` commands by name, so these two stand between it and Redis; its global encoder stays as
    it is.
    """

    def __init__(self, key: bytes, client: redis.Redis, middleware: list[Middleware]) -> None:
        super().__init__(  # type: ignore[no-untyped-call]
            client=client,
            middleware=middleware,
            namespace=NAMESPACE,
            maintenance_chance=MAINTENANCE_CHANCE,
            heartbeat_timeout=HEARTBEAT_TIMEOUT_MS,
            dead_message_ttl=DEAD_MESSAGE_TTL_MS,
        )
        self._key = key

    def do_enqueue(self, queue_name: str, message_id: str, message: bytes) -> Any:
        """Send one signed message."""
        return self._command("enqueue", queue_name, message_id, seal(self._key, queue_name, message))

    def do_fetch(self, queue_name: str, count: int) -> list[bytes]:
        """Take up to ``count`` messages, without those whose signature is wrong."""
        fetched = self._command("fetch", queue_name, count)
        opened = [unseal(self._key, queue_name, sealed) for sealed in fetched]
        good = [message for message in opened if message is not None]
        if len(good) < len(fetched):
            log.warning(
                "Refused %d messages with a wrong signature on the queue %s.", len(fetched) - len(good), queue_name
            )
            self._discard_refused(queue_name)
        return good

    def _command(self, command: str, *arguments: Any) -> Any:
        return self._dispatch(command)(*arguments)  # type: ignore[no-untyped-call]

    def _discard_refused(self, queue_name: str) -> None:
        """Acknowledge what this process fetched and cannot verify, so that it never comes back."""
        taken = f"{NAMESPACE}:__acks__.{self.broker_id}.{queue_name}"
        ids = sorted(cast("set[bytes]", self.client.smembers(taken)))
        stored = cast("list[bytes | None]", self.client.hmget(f"{NAMESPACE}:{queue_name}.msgs", ids)) if ids else []
        for message_id, sealed in zip(ids, stored, strict=True):
            if unseal(self._key, queue_name, sealed) is None:
                self._command("ack", queue_name, message_id)


class Interrupter(Middleware):
    """Knows which threads work on a message, and can interrupt them when a stopping worker has no time left."""

    def __init__(self) -> None:
        self._busy: set[int] = set()
        self._lock = threading.Lock()

    def before_process_message(self, broker: Broker, message: Any) -> None:  # noqa: ARG002 - the signal's signature
        with self._lock:
            self._busy.add(threading.get_ident())

    def after_process_message(
        self,
        broker: Broker,  # noqa: ARG002
        message: Any,  # noqa: ARG002
        *,
        result: Any = None,  # noqa: ARG002
        exception: Any = None,  # noqa: ARG002
    ) -> None:
        with self._lock:
            self._busy.discard(threading.get_ident())

    def after_skip_message(self, broker: Broker, message: Any) -> None:
        self.after_process_message(broker, message)

    def interrupt(self) -> int:
        """Raise ``Shutdown`` in every busy thread; gives their number."""
        with self._lock:
            for thread in self._busy:
                raise_thread_exception(thread, Shutdown)  # type: ignore[no-untyped-call]
            return len(self._busy)


def make_client(redis_url: str, *, timeout: float = 5.0) -> redis.Redis:
    """Open a client for the kernel's own keys and for the broker."""
    return redis.Redis.from_url(
        redis_url, socket_timeout=timeout, socket_connect_timeout=timeout, socket_keepalive=True
    )


def make_broker(addresses: Addresses, interrupter: Interrupter | None = None) -> SignedRedisBroker:
    """Make the broker of one process on Redis database 0; queues appear with the actors, or by `declare_queue`."""
    if not addresses.task_key:
        sentence = "There is no key to sign background messages with."
        raise OperatorError(sentence, "Set ERP_TASK_KEY to a long random text, the same in every process.", status=2)
    least, most = NET_BACKOFF_MS
    # With no limit of its own, Dramatiq repeats until the outbox says that the message is settled.
    retries = Retries(min_backoff=least, max_backoff=most, retry_when=lambda _retries, _error: True)
    middleware: list[Middleware] = [interrupter or Interrupter(), TimeLimit(), Callbacks(), retries]
    return SignedRedisBroker(addresses.task_key, make_client(addresses.redis_db(0)), middleware)


def make_message(queue: str, task: str, tenant_id: str, entry_id: str) -> Message[Any]:
    """Write the message of an outbox entry: where it is, never what it says."""
    return Message(
        queue_name=queue, actor_name=task, args=(), kwargs={"tenant_id": tenant_id, "entry_id": entry_id}, options={}
    )
