"""How fast one caller may go."""

from __future__ import annotations

import time
from collections.abc import Callable
from uuid import UUID

from erp_core.kernel.errors import TooManyRequests

WINDOW = 60.0
KEPT = 50_000


class Limiter:
    """Count requests by user in windows of one minute, in this process; ``limit`` 0 counts nothing.

    Several processes each allow the limit: it protects a process from one caller, and is no quota.
    """

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self._clock = clock
        self._window = 0
        self._counts: dict[UUID | str, int] = {}

    def take(self, who: UUID | str) -> list[tuple[bytes, bytes]]:
        """Count one request; gives the headers to send, or refuses with the seconds to wait."""
        if self.limit == 0:
            return []
        now = self._clock()
        window = int(now / WINDOW)
        if window != self._window or len(self._counts) > KEPT:
            self._window, self._counts = window, {}
        count = self._counts.get(who, 0) + 1
        self._counts[who] = count
        reset = int((window + 1) * WINDOW - now) + 1
        if count > self.limit:
            raise TooManyRequests(retry_after=reset)
        return [
            (b"ratelimit-limit", b"%d" % self.limit),
            (b"ratelimit-remaining", b"%d" % (self.limit - count)),
            (b"ratelimit-reset", b"%d" % reset),
        ]
