"""A load generator that costs the machine little: keep-alive sockets, requests made beforehand, answers barely read."""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

_PATIENCE = 10.0
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class LoadError(RuntimeError):
    """The server answered what no measurement should count."""


@dataclass(slots=True)
class Load:
    """What one round of load saw; ``latencies`` are seconds, ``cpu`` is this process's own."""

    wall: float = 0.0
    cpu: float = 0.0
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.wall

    def percentile(self, share: float) -> float:
        """Give the latency that this share of the requests stayed below, in milliseconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000


def make_request(method: str, target: str, token: str, body: bytes = b"") -> bytes:
    """Write a request as it goes over the wire."""
    head = f"{method} {target} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/json\r\n"
    head += f"authorization: Bearer {token}\r\n"
    if body:
        head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
    return head.encode("ascii") + b"\r\n" + body


class _Client(asyncio.Protocol):
    """One keep-alive connection that sends the next request as soon as the last one is answered."""

    def __init__(self, requests: Iterator[bytes], load: Load, until: float, done: asyncio.Future[None]) -> None:
        self._requests = requests
        self._load = load
        self._until = until
        self._done = done
        self._buffer = b""
        self._wanted = 0
        self._sent_at = 0.0
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own class is none of asyncio's
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        if not self._wanted and not self._read_head():
            return
        if len(self._buffer) < self._wanted:
            return
        now = time.perf_counter()
        self._load.latencies.append(now - self._sent_at)
        self._buffer, self._wanted = b"", 0
        if now < self._until:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, _: Exception | None) -> None:
        if not self._done.done():
            early = time.perf_counter() < self._until
            self._done.set_exception(LoadError("the server hung up")) if early else self._done.set_result(None)

    def _send(self) -> None:
        self._sent_at = time.perf_counter()
        self._transport.write(next(self._requests))

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        length = _LENGTH.search(self._buffer, 0, end)
        if self._buffer[9:10] != b"2" or length is None:
            self._done.set_exception(LoadError(f"an answer that should not be: {self._buffer[:600]!r}"))
            self._transport.close()
            return False
        self._wanted = end + 4 + int(length[1])
        return True


async def _run(port: int, requests: Sequence[bytes], seconds: float, connections: int) -> Load:
    load, loop = Load(), asyncio.get_running_loop()
    source = itertools.cycle(requests)
    started, cpu = time.perf_counter(), time.process_time()
    waiting = []
    for _ in range(connections):
        done: asyncio.Future[None] = loop.create_future()
        waiting.append(done)
        await loop.create_connection(lambda d=done: _Client(source, load, started + seconds, d), "127.0.0.1", port)  # type: ignore[misc]
    async with asyncio.timeout(seconds + _PATIENCE):
        await asyncio.gather(*waiting)
    load.wall, load.cpu = time.perf_counter() - started, time.process_time() - cpu
    return load


def put_load(port: int, requests: Sequence[bytes], seconds: float, connections: int) -> Load:
    """Send the requests round and round for some seconds, one at a time on each connection."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(_run(port, requests, seconds, connections))
    return uvloop.run(_run(port, requests, seconds, connections))
