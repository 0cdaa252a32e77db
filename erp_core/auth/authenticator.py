"""Turning a bearer token into an actor: checked once, then remembered until something changes."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from erp_core.auth.lookups import News, load_keys, load_news, load_standing
from erp_core.auth.rules import expand
from erp_core.auth.tokens import Claims, check_secret, key_id, read_own_token, read_shared_token
from erp_core.kernel.context import Actor
from erp_core.kernel.errors import DatabaseAway, Unauthenticated
from erp_core.kernel.queries.pipeline import DatabaseUnavailable
from erp_core.kernel.queries.pool import Pool
from erp_core.kernel.settings import Settings

POLL_EVERY = 0.5
POLL_TIMEOUT = 2.0
BLIND_AFTER = 5.0
"""Seconds without news after which what is remembered is trusted for a second only."""
FORGET_AFTER = 30.0
"""Seconds without news after which some may have been missed, since each poll reads a minute back."""
KEYS_EVERY = 1.0
"""An unknown key makes the keys be read again, but not more often than this: a forger names a new one each time, and
waits for it."""
LONGEST_TOKEN = 4096
DIFFERENT_GRANTS = 1000

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Entry:
    """What is remembered of a token; times are of ``time.time`` and ``time.monotonic``."""

    expires_at: float
    verified_at: float
    tenant_id: UUID
    user_id: UUID
    session_id: UUID | None
    permissions: frozenset[str]
    language: str
    time_zone: str

    def subjects(self) -> tuple[UUID, ...]:
        """Give everything whose news end what is remembered; ids of different kinds never collide."""
        always = (self.tenant_id, self.user_id)
        return always if self.session_id is None else (*always, self.session_id)


class Authenticator:
    """Checks bearer tokens for one event loop; the same in the core's process and in a vertical's.

    At first sight a token costs a signature check and one round trip: session, user, membership and tenant must be
    alive, and roles are expanded against ``declared``. After that it is remembered until it expires, at most
    ``capacity`` tokens. A watcher reads ``auth.revocations`` twice a second and forgets whatever changed, so that
    signing out, a disabled user, a suspended tenant and changed permissions take effect within a second.

    When the watcher has had no news for five seconds, a token is trusted for one second after it was last looked up:
    the promise holds again, each token costs a round trip a second, and with the database gone the answer is 503, as
    it is for everything else. To answer from memory without that would let a thief who can stall one query keep a dead
    session.
    """

    def __init__(self, declared: frozenset[str], *, capacity: int = 20_000) -> None:
        self._declared = declared
        self._capacity = capacity
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._tokens: dict[UUID, set[str]] = {}
        self._expanded: dict[tuple[str, ...], frozenset[str]] = {}
        self._keys: dict[str, Ed25519PublicKey] = {}
        self._keys_read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None
        self._read: asyncio.Task[None] | None = None
        self._seen: set[UUID] = set()
        self._news_at = float("-inf")
        self._changes = 0
        self._secret: bytes | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._pool: Pool

    async def start(self, pool: Pool, settings: Settings) -> None:
        """Begin to watch for revocations; a ``JWT_SECRET`` too short to be safe is an ``OperatorError``."""
        self._secret = check_secret(settings.jwt_secret)
        self._pool = pool
        self._watcher = asyncio.get_running_loop().create_task(self._watch())

    async def stop(self) -> None:
        """Stop watching and forget everything."""
        await self._stop_watching()
        if self._reading is not None:
            self._reading.cancel()
        self._drop_all()

    async def _stop_watching(self) -> None:
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.cancel()
            with suppress(asyncio.CancelledError):
                await watcher

    async def __call__(
        self,
        authorization: str | None,
        request_id: str = "",
        address: str = "",
        language: str = "",
        user_agent: str = "",
    ) -> Actor:
        """Give the actor of a request; ``Unauthenticated`` (or one of its kinds) when there is none.

        ``language`` is the request's wish and wins over the user's own when it is not empty.
        """
        entry = self._entries.get(authorization) if authorization is not None else None
        if entry is None or not self._trusted(entry):
            entry = await self._look_up(authorization)
        else:
            self._entries.move_to_end(authorization)  # type: ignore[arg-type]
        return Actor(
            entry.tenant_id,
            entry.user_id,
            entry.permissions,
            request_id,
            address,
            user_agent,
            entry.session_id,
            language or entry.language,
            entry.time_zone,
        )

    def _trusted(self, entry: _Entry) -> bool:
        if entry.expires_at <= time.time():
            return False
        now = time.monotonic()
        return not self._blind(now) or now - entry.verified_at < 1.0

    def _blind(self, now: float) -> bool:
        return now - self._news_at >= BLIND_AFTER

    async def _look_up(self, authorization: str | None) -> _Entry:
        if authorization is None or len(authorization) > LONGEST_TOKEN:
            raise Unauthenticated
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated
        changes, verified_at = self._changes, time.monotonic()
        try:
            claims = await self._claims(token)
            standing = await load_standing(self._pool, claims)
        except DatabaseUnavailable:
            raise DatabaseAway from None
        finally:
            self._drop(authorization)
        entry = _Entry(
            claims.expires_at,
            verified_at,
            claims.tenant_id,
            claims.user_id,
            claims.session_id,
            self._permissions(standing.grants),
            standing.language,
            standing.time_zone,
        )
        # News that came while the database answered may be about this very token: it serves this once.
        if changes == self._changes:
            self._remember(authorization, entry)
        return entry

    async def _claims(self, token: str) -> Claims:
        kid = key_id(token)
        if kid is None:
            if self._secret is None:
                raise Unauthenticated
            return read_shared_token(token, self._secret)
        key = await self._key(kid)
        if key is None:
            raise Unauthenticated
        return read_own_token(token, key)

    async def _key(self, kid: str) -> Ed25519PublicKey | None:
        now = time.monotonic()
        stale = self._blind(now) and now - self._keys_read_at >= KEYS_EVERY
        while kid not in self._keys or stale:
            if self._reading is None:
                self._reading = asyncio.get_running_loop().create_task(self._read_keys())
                self._reading.add_done_callback(_heard)
            reading = self._reading
            # Whoever asks meanwhile shares the answer, and one that goes away does not take it from the others.
            await asyncio.shield(reading)
            if self._read is reading:
                break
        return self._keys.get(kid)

    async def _read_keys(self) -> None:
        this = asyncio.current_task()
        try:
            await asyncio.sleep(max(0.0, self._keys_read_at + KEYS_EVERY - time.monotonic()))
            self._keys_read_at = time.monotonic()
            keys = await load_keys(self._pool)
            # News of other keys may have come meanwhile; then they are read again.
            if self._reading is this:
                self._keys, self._read = keys, this
        finally:
            if self._reading is this:
                self._reading = None

    def _permissions(self, grants: tuple[str, ...]) -> frozenset[str]:
        """Expand grants; people with the same roles share one set."""
        found = self._expanded.get(grants)
        if found is None:
            if len(self._expanded) >= DIFFERENT_GRANTS:
                self._expanded.clear()
            found = self._expanded[grants] = expand(grants, self._declared)
        return found

    def _remember(self, authorization: str, entry: _Entry) -> None:
        self._drop(authorization)
        while len(self._entries) >= self._capacity:
            self._drop(next(iter(self._entries)))
        self._entries[authorization] = entry
        for subject in entry.subjects():
            self._tokens.setdefault(subject, set()).add(authorization)

    def _drop(self, authorization: str) -> None:
        entry = self._entries.pop(authorization, None)
        for subject in entry.subjects() if entry is not None else ():
            tokens = self._tokens[subject]
            tokens.discard(authorization)
            if not tokens:
                del self._tokens[subject]

    def _drop_all(self) -> None:
        self._entries.clear()
        self._tokens.clear()

    async def _watch(self) -> None:
        warned = False
        while True:
            started = time.monotonic()
            try:
                async with asyncio.timeout(POLL_TIMEOUT):
                    self._take(await load_news(self._pool), started)
                    warned = False
            except Exception as error:  # noqa: BLE001 - a watcher that dies would leave this process blind for good
                if self._blind(started) and not warned:
                    warned = True
                    logger.warning("revocations cannot be read, so tokens are looked up every second: %r", error)
            await asyncio.sleep(max(0.0, started + POLL_EVERY - time.monotonic()))

    def _take(self, news: list[News], read_at: float) -> None:
        """Forget whatever the news are about; ``read_at`` is when they were asked for."""
        if read_at - self._news_at > FORGET_AFTER:
            self._drop_all()
            self._changes += 1
        fresh = [one for one in news if one.id not in self._seen]
        self._seen = {one.id for one in news}
        self._news_at = read_at
        if fresh:
            self._changes += 1
            self._forget(fresh)

    def _forget(self, news: Iterable[News]) -> None:
        for one in news:
            if one.kind == "keys":
                self._drop_all()
                # Whoever is waiting for the keys of before must ask again, also when they have just arrived.
                self._keys, self._keys_read_at = {}, float("-inf")
                self._reading = self._read = None
                continue
            for authorization in list(self._tokens.get(one.subject, ())):
                # A user's permissions changed in one tenant; tokens of the others are not concerned.
                if one.kind != "permissions" or self._entries[authorization].tenant_id == one.tenant_id:
                    self._drop(authorization)


def _heard(task: asyncio.Task[None]) -> None:
    """Take note of an error even when everybody who waited for it went away, so that it is not reported as lost."""
    if not task.cancelled():
        task.exception()
