"""Locks between processes, which the operating system drops when their holder dies."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from erp_core.kernel.embedded.errors import EmbeddedUnavailable

if TYPE_CHECKING:
    from filelock import BaseFileLock


def file_lock(path: Path) -> BaseFileLock:
    """Return an unheld lock on `path`; two of them exclude each other, also inside one process."""
    # Imported on first use, because only the optional extra brings it.
    lock: BaseFileLock = importlib.import_module("filelock").FileLock(
        path, mode=0o600, thread_local=False, poll_interval=0.02
    )
    return lock


@contextmanager
def held(path: Path, *, timeout: float) -> Iterator[None]:
    """Hold the lock on `path`; after `timeout` seconds of waiting say who is in the way."""
    lock = file_lock(path)
    try:
        lock.acquire(timeout=timeout)
    except TimeoutError as waited:
        msg = f"Another process has held {path} for {timeout:.0f} seconds. End that process, then start again."
        raise EmbeddedUnavailable(msg) from waited
    except PermissionError as refused:
        msg = f"The file {path} belongs to another user. Set ERP_DATA_DIR to a directory of your own."
        raise EmbeddedUnavailable(msg) from refused
    try:
        yield
    finally:
        lock.release()
