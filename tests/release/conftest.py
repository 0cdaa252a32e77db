"""An environment with nothing but what the built wheels bring, and commands that run in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest

ROOT = Path(__file__).parents[2]
DIST = ROOT / "dist"
CONSTRAINTS = ROOT / "deploy" / "constraints.txt"
SCRIPTS = "Scripts" if os.name == "nt" else "bin"
OURS = ("ERP_", "DB_", "REDIS_", "DATABASE_URL", "JWT_SECRET", "PORT", "FRONTEND_URL", "PYTHONPATH", "PIP_REQUIRE")

Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Installation:
    """A virtual environment and the data directory that its commands use."""

    folder: Path
    data: Path

    def program(self, name: str) -> str:
        return str(self.folder / SCRIPTS / name)

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        return kept | {"ERP_DATA_DIR": str(self.data)}

    def run(self, *command: str) -> Done:
        """Run a program of this environment, away from the sources."""
        return subprocess.run(
            [self.program(command[0]), *command[1:]],
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def erp(self, *arguments: str) -> Done:
        return self.run("erp", *arguments)

    def start(self, output: IO[str], *arguments: str) -> subprocess.Popen[bytes]:
        """Start `erp` and let it run; what it prints goes to a file."""
        command = [self.program("erp"), *arguments]
        return subprocess.Popen(command, cwd=self.folder, env=self.environment(), stdout=output, stderr=output)

    def install(self, *wanted: str) -> None:
        """Install as the README says, with the pinned versions of everything that is not ours."""
        done = self.run("pip", "install", "--quiet", "-c", str(CONSTRAINTS), "--find-links", str(DIST), *wanted)
        assert done.returncode == 0, done.stderr

    def installed(self) -> set[str]:
        """The names of the distributions that are installed."""
        return {one["name"].lower() for one in json.loads(self.run("pip", "list", "--format", "json").stdout)}

    def states(self) -> dict[str, str]:
        """The state of every package, by its slug, as `erp plugins list` tells."""
        done = self.erp("plugins", "list", "--json")
        assert done.returncode == 0, done.stderr
        rows: list[dict[str, Any]] = json.loads(done.stdout)
        return {row["slug"]: row["state"] for row in rows}


@pytest.fixture(scope="session")
def wheels() -> dict[str, list[str]]:
    """The files inside each built wheel, by the name of its import package."""
    built = sorted(DIST.glob("*.whl"))
    assert built, "There are no wheels in dist/: `nox -s wheels` builds them."
    return {wheel.name.partition("-")[0]: zipfile.ZipFile(wheel).namelist() for wheel in built}


def new_installation(folder: Path) -> Installation:
    """Make an environment with nothing in it but pip, and name an empty data directory."""
    environment = folder / "environment"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    return Installation(environment, folder / "data")


@pytest.fixture(scope="module")
def fresh(wheels: dict[str, list[str]], tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An environment that the tests of one module share."""
    return new_installation(tmp_path_factory.mktemp("fresh"))


@pytest.fixture
def fresh_again(wheels: dict[str, list[str]], tmp_path: Path) -> Installation:
    """An environment of one test's own."""
    return new_installation(tmp_path)
