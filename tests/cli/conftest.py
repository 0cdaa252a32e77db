"""Real servers and real `erp` processes for the tests of the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from erp_core.kernel.embedded.servers import EmbeddedServers, embedded_servers

ROOT = Path(__file__).parents[2]

RunErp = Callable[..., subprocess.CompletedProcess[str]]

PLUGIN = """
from erp_core.kernel.plugins.manifest import Label, Manifest

manifest = Manifest(
    slug={slug!r}, package={package!r}, label=Label("Prueba", "Trial"), version="0.1.0", core={core!r},
    api_port={port}, web_port={port} - 1, schemas=({slug!r},), redis_db={redis_db}, uses=(), requires={requires!r},
)
"""

REVISION = '''"""A table."""

from alembic import op
import sqlalchemy as sa

from erp_core.kernel.migrations.ops import protect, tenant_columns

revision = "{slug}_0001"
down_revision = None
branch_labels = ("{slug}",)
depends_on = None


def upgrade() -> None:
    key = sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_things")
    op.create_table("things", *tenant_columns(), key, schema="{slug}")
    protect("{slug}.things")


def downgrade() -> None:
    op.drop_table("things", schema="{slug}")
'''


def clean_environment(**settings: str) -> dict[str, str]:
    """Give an environment that holds no setting of ours but these."""
    ours = ("ERP_", "DB_", "REDIS_", "DATABASE_URL", "JWT_SECRET", "PORT", "FRONTEND_URL")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    paths = [settings.pop("PYTHONPATH", ""), str(ROOT), os.environ.get("PYTHONPATH", "")]
    return kept | {"PYTHONPATH": os.pathsep.join(path for path in paths if path)} | settings


def make_plugin(
    folder: Path,
    slug: str,
    *,
    port: int,
    redis_db: int,
    core: str = ">=0.1,<0.2",
    requires: tuple[str, ...] = (),
    broken: bool = False,
) -> None:
    """Install a real small package into a folder that `PYTHONPATH` then names."""
    package = f"erp_{slug}"
    versions = folder / package / "migrations" / "versions"
    versions.mkdir(parents=True)
    for place in (folder / package, folder / package / "migrations", versions):
        (place / "__init__.py").write_text('"""A trial."""\n')
    facts = {"slug": slug, "package": package, "core": core, "port": port, "redis_db": redis_db, "requires": requires}
    (folder / package / "plugin.py").write_text("import nothing_of_that_name" if broken else PLUGIN.format(**facts))
    (versions / f"{slug}_0001_things.py").write_text(REVISION.format(slug=slug))
    facts_folder = folder / f"{package}-0.1.0.dist-info"
    facts_folder.mkdir()
    (facts_folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: erp-{slug}\nVersion: 0.1.0\n")
    (facts_folder / "entry_points.txt").write_text(f"[erp.plugins]\n{slug} = {package}.plugin\n")


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory that the commands of one test session share."""
    return tmp_path_factory.mktemp("erp-data")


@pytest.fixture(scope="session")
def servers(data_dir: Path) -> Iterator[EmbeddedServers]:
    """A running PostgreSQL and Redis that forget everything afterwards; commands on `data_dir` join them."""
    with embedded_servers(data_dir, durable=False) as running:
        yield running


@pytest.fixture(scope="session")
def run_erp() -> RunErp:
    """Run `erp` in a process of its own; keyword arguments are settings."""

    def run(*arguments: str, stdin: str = "", timeout: float = 90, **settings: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "erp_core.cli", *arguments]
        environment = clean_environment(**settings)
        return subprocess.run(
            command, env=environment, input=stdin, capture_output=True, text=True, timeout=timeout, check=False
        )

    return run


@pytest.fixture(scope="session")
def erp(run_erp: RunErp, servers: EmbeddedServers) -> RunErp:
    """Run `erp` on the session's migrated database."""

    def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        return run_erp(*arguments, **{"ERP_DATA_DIR": str(servers.data_dir), "ERP_PLUGINS": "core", **settings})

    migrated = run("plugins", "migrate")
    assert migrated.returncode == 0, migrated.stderr
    return run


@pytest.fixture
def make_package(tmp_path: Path) -> Callable[..., Path]:
    """Install a small package; gives the folder to put into PYTHONPATH."""

    def make(slug: str, **facts: object) -> Path:
        make_plugin(tmp_path / "packages", slug, **facts)  # type: ignore[arg-type]
        return tmp_path / "packages"

    return make


@pytest.fixture(scope="session")
def install_package() -> Callable[..., None]:
    """Give the function that installs a small package into a folder."""
    return make_plugin


@pytest.fixture(scope="session")
def environment_of() -> Callable[..., dict[str, str]]:
    """Give the function that makes an environment with no settings but those given."""
    return clean_environment
