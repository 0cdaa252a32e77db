"""The pytest plugin of plugin authors: ``erp``, ``person``, ``stranger``, ``worker`` and ``migrated_copy``.

Everything is real: PostgreSQL and Redis (embedded unless ERP_TEST_DATABASE_URL and ERP_TEST_REDIS_URL name others),
the migrations of all installed packages, the HTTP application, worker processes. Each test uses a tenant of its own.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from erp_core.kernel.plugins.manager import Plugins
    from erp_core.testing.environment import Erp, Person, Servers


@pytest.fixture(scope="session")
def erp_run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that all processes of one test run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base


@pytest.fixture(scope="session")
def erp_servers(erp_run_folder: Path) -> Iterator[Servers]:
    """PostgreSQL and Redis for this run."""
    from erp_core.testing.environment import servers

    with servers(erp_run_folder / "erp-servers", os.environ.get("PYTEST_XDIST_WORKER", "main")) as found:
        yield found


@pytest.fixture(scope="session")
def erp_plugins() -> Plugins:
    """Every installed package; a package that cannot be loaded fails the run."""
    from erp_core.testing.environment import installed_plugins

    return installed_plugins()


@pytest.fixture(scope="session")
def erp_template(erp_servers: Servers, erp_plugins: Plugins, erp_run_folder: Path) -> str:
    """The name of the migrated database that the others are copied from."""
    from erp_core.testing.environment import migrated_template

    return migrated_template(erp_servers, erp_plugins, erp_run_folder)


@pytest.fixture(scope="session")
def erp(erp_servers: Servers, erp_plugins: Plugins, erp_template: str) -> Iterator[Erp]:
    """A booted ERP with all packages, on a database of this test process."""
    from litestar.testing import TestClient

    from erp_core.app import asgi
    from erp_core.kernel.logs import configure_logs
    from erp_core.testing.environment import (
        application_on,
        booted,
        drop_database,
        new_copy,
    )

    configure_logs(production=False, level="error")
    name = new_copy(erp_servers, erp_template)
    application = application_on(erp_servers, name, erp_plugins)
    with TestClient(asgi(application, ()), raise_server_exceptions=False) as http, booted(application, http) as found:
        yield found
    drop_database(erp_servers, name)


@pytest.fixture
def person(erp: Erp) -> Person:
    """Somebody with every permission in a new tenant."""
    return erp.open_tenant()


@pytest.fixture
def stranger(erp: Erp) -> Person:
    """Somebody with every permission in another new tenant."""
    return erp.open_tenant()


@pytest.fixture
def migrated_copy(erp_servers: Servers, erp_template: str) -> Iterator[str]:
    """The name of a migrated database that this test alone may change."""
    from erp_core.testing.environment import drop_database, new_copy

    name = new_copy(erp_servers, erp_template)
    yield name
    drop_database(erp_servers, name)


@pytest.fixture
def start_worker(erp: Erp) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Start real worker processes; those that still run at the end of the test are stopped."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "erp_core.cli", "worker"]
        process = subprocess.Popen(command, env={**os.environ, **erp.environ})
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
    for process in started:
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
