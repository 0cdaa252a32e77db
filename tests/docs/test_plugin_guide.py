"""The plugin of the guide is a real one: it installs, is listed, keeps the contract, and works over HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from erp_core.testing.environment import Servers

from .conftest import operators_environment
from .documents import ROOT, files_in

GUIDE = ROOT / "docs" / "how-to" / "write-a-plugin.md"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The files of the guide, written where it says."""
    folder = tmp_path / "erp-bitacora"
    for name, text in files_in(GUIDE).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    (folder / "erp_bitacora" / "py.typed").touch()
    return folder


def test_the_plugin_of_the_guide_installs_and_keeps_the_contract(
    project: Path, own_environment: Path, erp_servers: Servers, migrated_copy: str
) -> None:
    install = [sys.executable, "-m", "pip", "--python", str(own_environment), "install", "-q", "--no-deps", "-e", "."]
    settings = operators_environment(erp_servers, migrated_copy)
    del settings["ERP_PLUGINS"]
    servers = {"ERP_TEST_DATABASE_URL": erp_servers.admin, "ERP_TEST_REDIS_URL": erp_servers.redis}
    tests = [str(own_environment), "-m", "pytest", "-q", "--import-mode=importlib", "-p", "no:cacheprovider", "tests"]

    def run(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=project, env=environment, capture_output=True, text=True, timeout=600, check=False
        )

    installed = run(install, dict(os.environ))
    listed = run([str(own_environment), "-m", "erp_core.cli", "plugins", "list", "--json"], settings)
    outside = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    tested = run(tests, outside | servers)

    assert installed.returncode == 0, installed.stderr
    assert listed.returncode == 0, listed.stderr
    state = {row["slug"]: row["state"] for row in json.loads(listed.stdout)}
    assert state["bitacora"] == "not migrated"
    assert tested.returncode == 0, tested.stdout[-6000:] + tested.stderr
