"""Who still needs a server: one locked file for each holder.

A count kept in a file would be wrong for ever after a `kill -9`. A lock is not: the operating system drops it together
with its holder, so a lease counts exactly as long as somebody holds its lock. Call these functions only inside
`transition`, so that nobody counts while another starts or stops.
"""

from __future__ import annotations

import os
import secrets
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from erp_core.kernel.embedded.locks import file_lock, held

if TYPE_CHECKING:
    from filelock import BaseFileLock

# A first start on a slow disk takes a few seconds, and several processes may queue behind it.
_TRANSITION_TIMEOUT = 180.0


def transition(data_dir: Path) -> AbstractContextManager[None]:
    """Return a context in which this process alone starts, counts and stops the servers of `data_dir`."""
    return held(data_dir / "servers.lock", timeout=_TRANSITION_TIMEOUT)


def take_lease(data_dir: Path, server: str) -> BaseFileLock:
    """Declare that this process needs `server`, until the lease is given back or the process dies."""
    folder = _folder(data_dir)
    folder.mkdir(mode=0o700, exist_ok=True)
    lease = file_lock(folder / f"{server}-{os.getpid()}-{secrets.token_hex(4)}.lock")
    lease.acquire(timeout=0)
    return lease


def give_back(lease: BaseFileLock) -> None:
    """End a lease and remove its file."""
    lease.release()
    Path(lease.lock_file).unlink(missing_ok=True)


def is_needed(data_dir: Path, server: str) -> bool:
    """Tell whether any living process holds a lease on `server`; files of dead holders are removed on the way."""
    living = [path for path in _folder(data_dir).glob(f"{server}-*.lock") if _is_alive(path)]
    return bool(living)


def _is_alive(path: Path) -> bool:
    lock = file_lock(path)
    try:
        lock.acquire(timeout=0)
    except TimeoutError:
        return True
    give_back(lock)
    return False


def _folder(data_dir: Path) -> Path:
    return data_dir / "leases"
