"""The project's sessions; `nox` alone is what continuous integration runs, and each does all of its own set-up."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.10.14"
nox.options.sessions = ["lint", "types", "imports", "tests"]
nox.options.default_venv_backend = "virtualenv"
nox.options.error_on_external_run = True

ROOT = Path(__file__).parent
PLUGINS = sorted(path.name for path in (ROOT / "plugins").iterdir() if (path / "pyproject.toml").is_file())
CONSTRAINTS = ROOT / "deploy" / "constraints.txt"
PYTHONS = ["3.11", "3.12", "3.13"]
TOOLS = {
    "ruff": "ruff>=0.14",
    "mypy": "mypy>=2",
    "types": "types-psutil",
    "imports": "import-linter>=2.5",
    "spelling": "codespell>=2.4",
}


def install(session: nox.Session, *more: str) -> None:
    """Install the core with everything for tests, and all plugins, editable, with the pinned versions."""
    projects = ["-e", ".[embedded,testing]"]
    for name in PLUGINS:
        projects += ["-e", f"plugins/{name}"]
    session.install("-c", str(CONSTRAINTS), *projects, *more)


@nox.session(python="3.11")
def tests(session: nox.Session) -> None:
    """Run every test on real servers: nox -s tests -- tests/http -k name."""
    install(session)
    session.run("pytest", "-n", os.environ.get("ERP_TEST_PROCESSES", "2"), *session.posargs)


@nox.session(name="tests-all", python=PYTHONS)
def tests_all(session: nox.Session) -> None:
    """Run the tests on every supported Python that is installed."""
    install(session)
    session.run("pytest", "-n", "2", *session.posargs)


@nox.session(python="3.11")
def lint(session: nox.Session) -> None:
    """Check style, format and spelling."""
    session.install("-c", str(CONSTRAINTS), TOOLS["ruff"], TOOLS["spelling"])
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("codespell", "erp_core", "bench", "docs", "deploy", "noxfile.py", "README.md", "CONTRIBUTING.md", "CHANGELOG.md")


@nox.session(python="3.11")
def types(session: nox.Session) -> None:
    """Check all types, strictly."""
    install(session, TOOLS["mypy"], TOOLS["types"])
    session.run("mypy")


@nox.session(python="3.11")
def imports(session: nox.Session) -> None:
    """Check that imports point one way."""
    install(session, TOOLS["imports"])
    session.run("lint-imports")


@nox.session(python="3.11")
def docs(session: nox.Session) -> None:
    """Check that the reference is complete and that every link and command in the documents is sound."""
    install(session)
    session.run("pytest", "tests/docs", *session.posargs)


@nox.session(python="3.11")
def bench(session: nox.Session) -> None:
    """Print the figures: nox -s bench -- --quick."""
    install(session)
    session.run("python", "-m", "bench", *session.posargs)


@nox.session(python="3.11")
def demo(session: nox.Session) -> None:
    """Start everything with demo data, show the health of all seven components, and stop: -- --keep leaves it running."""
    session.install("-c", str(CONSTRAINTS), "-e", ".[embedded]", *(f"./plugins/{name}" for name in PLUGINS))
    folder = Path(session.create_tmp()) / "data"
    session.env["ERP_DATA_DIR"] = str(folder)
    session.run("python", "-m", "erp_core.cli.demonstration", *session.posargs)


@nox.session(python="3.11")
def wheels(session: nox.Session) -> None:
    """Build all seven wheels, install them in a fresh environment, and run the conformance suites there."""
    dist = ROOT / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    session.install("-c", str(CONSTRAINTS), "build>=1.3")
    for project in (".", *(f"plugins/{name}" for name in PLUGINS)):
        session.run("python", "-m", "build", "--wheel", "--outdir", str(dist), project, silent=True)
    built = sorted(dist.glob("*.whl"))
    session.log("built %s", ", ".join(wheel.name for wheel in built))
    fresh = Path(session.create_tmp()) / "fresh"
    shutil.rmtree(fresh, ignore_errors=True)
    session.run(sys.executable, "-m", "venv", str(fresh), external=True)
    python = str(fresh / ("Scripts" if os.name == "nt" else "bin") / "python")
    core = next(str(wheel) for wheel in built if wheel.name.startswith("erp_core-"))
    session.run(python, "-m", "pip", "install", "-q", "-c", str(CONSTRAINTS), f"{core}[embedded,testing]", external=True)
    session.run(python, "-m", "pip", "install", "-q", "--no-index", "--find-links", str(dist), *PLUGINS, external=True)
    session.chdir(fresh)
    suites = [str(ROOT / "plugins" / name / "tests" / "test_contract.py") for name in PLUGINS]
    session.run(python, "-m", "pytest", "-p", "no:cacheprovider", "--import-mode=importlib", "-q", f"--rootdir={fresh}", *suites, external=True)
