"""The embedded servers as the rest of the kernel sees them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import quote

from erp_core.kernel.embedded.binaries import require_installed
from erp_core.kernel.embedded.data_directory import prepare_data_dir
from erp_core.kernel.embedded.errors import EmbeddedUnavailable
from erp_core.kernel.embedded.leases import give_back, is_needed, take_lease, transition
from erp_core.kernel.embedded.ports import LOOPBACK
from erp_core.kernel.embedded.postgres_server import SUPERUSER, start_postgres, stop_postgres
from erp_core.kernel.embedded.redis_server import start_redis, stop_redis
from erp_core.kernel.embedded.secret_store import get_or_create_secret


@dataclass(frozen=True, slots=True)
class EmbeddedServers:
    """Where the running servers are and how to enter them.

    A server that was not asked for has port 0 or an empty address.
    """

    data_dir: Path
    postgres_host: str
    postgres_port: int
    superuser: str
    superuser_password: str
    redis_url: str

    def superuser_url(self, dbname: str = "postgres") -> str:
        """Return the address of a database for the superuser; raises EmbeddedUnavailable if PostgreSQL is not ours."""
        if not self.postgres_port:
            msg = "This process runs no embedded PostgreSQL. Use DATABASE_URL, or unset it and start again."
            raise EmbeddedUnavailable(msg)
        who = f"{self.superuser}:{self.superuser_password}"
        return f"postgresql://{who}@{self.postgres_host}:{self.postgres_port}/{quote(dbname, safe='')}"

    def secret(self, name: str) -> str:
        """Return this machine's secret called `name`, the same in every process; made on the first request."""
        return get_or_create_secret(self.data_dir, name)


@contextmanager
def embedded_servers(
    data_dir: Path,
    *,
    durable: bool = True,
    postgres: bool = True,
    redis: bool = True,
    on_progress: Callable[[str], None] | None = None,
) -> Iterator[EmbeddedServers]:
    """Start the servers of `data_dir`, or join those that run, and stop them if nobody needs them afterwards.

    `durable=False` makes PostgreSQL forget safety for speed, for clusters that are thrown away; whoever starts the
    server decides. `on_progress` hears of the slow steps in one English sentence each. Raises EmbeddedUnavailable.
    """
    say = on_progress or (lambda _: None)
    require_installed(postgres=postgres, redis=redis)
    root = prepare_data_dir(data_dir)
    password = get_or_create_secret(root, SUPERUSER)
    postgres_port, redis_url = 0, ""
    with ExitStack() as stack:
        if postgres:
            start = partial(start_postgres, root, password, durable=durable, say=say)
            postgres_port = stack.enter_context(_needed(root, "postgres", start, stop_postgres))
        if redis:
            redis_password = get_or_create_secret(root, "redis")
            start = partial(start_redis, root, redis_password, say=say)
            port = stack.enter_context(_needed(root, "redis", start, stop_redis))
            redis_url = f"redis://:{redis_password}@{LOOPBACK}:{port}/0"
        yield EmbeddedServers(root, LOOPBACK, postgres_port, SUPERUSER, password, redis_url)


def stop_idle_servers(data_dir: Path) -> bool:
    """Stop what a killed process left running; returns False, stopping nothing, while a living process needs it."""
    require_installed(postgres=False, redis=False)
    root = prepare_data_dir(data_dir)
    with transition(root):
        idle = not (is_needed(root, "postgres") or is_needed(root, "redis"))
        if idle:
            stop_postgres(root)
            stop_redis(root)
        return idle


@contextmanager
def _needed(root: Path, server: str, start: Callable[[], int], stop: Callable[[Path], None]) -> Iterator[int]:
    """Hold a lease on a server while the context is open; the last to leave stops it."""
    with transition(root):
        lease = take_lease(root, server)
        try:
            port = start()
        except BaseException:
            give_back(lease)
            with suppress(EmbeddedUnavailable):
                if not is_needed(root, server):
                    stop(root)
            raise
    try:
        yield port
    finally:
        with transition(root):
            give_back(lease)
            if not is_needed(root, server):
                stop(root)
