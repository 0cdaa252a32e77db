"""The project's sessions; `nox` alone is what continuous integration runs, and each does all of its own set-up."""

from __future__ import annotations

import os
import shutil
import tomllib
from collections.abc import Sequence
from pathlib import Path

import nox

nox.needs_version = ">=2025.10.14"
nox.options.sessions = ["lint", "types", "imports", "tests"]
nox.options.default_venv_backend = "virtualenv"
nox.options.error_on_external_run = True

ROOT = Path(__file__).parent
PLUGINS = sorted(path.name for path in (ROOT / "plugins").iterdir() if (path / "pyproject.toml").is_file())
CONSTRAINTS = ROOT / "deploy" / "constraints.txt"
REQUIREMENTS = ROOT / "deploy" / "requirements.txt"
DIST = ROOT / "dist"
PYTHONS = ["3.11", "3.12", "3.13"]
LINT = ["ruff>=0.14", "codespell>=2.4"]
TYPES = ["mypy>=2", "types-psutil"]
IMPORTS = ["import-linter>=2.5"]
# What a build needs is installed once instead of once for each of the seven projects.
TESTS = ["schemathesis>=4.32"]
BUILD = ["build>=1.3", "editables>=0.5", "hatchling>=1.27"]
TOOLS = [*LINT, *TYPES, *IMPORTS, *TESTS, *BUILD, "nox>=2025.10.14", "uv>=0.9", "virtualenv>=20.35"]
SPOKEN = ["erp_core", "bench", "docs", "deploy", "noxfile.py", "README.md", "CONTRIBUTING.md", "CHANGELOG.md"]


def install(session: nox.Session, *more: str, extras: Sequence[str] = ("embedded", "testing")) -> None:
    """Install the core and all plugins, editable, with the pinned versions."""
    runtime, optional = declared()
    needed = [*BUILD, *more, *runtime, *(one for extra in extras for one in optional[extra])]
    session.install("-c", str(CONSTRAINTS), *dict.fromkeys(needed))
    projects = [".", *(f"plugins/{name}" for name in PLUGINS)]
    editable = [argument for project in projects for argument in ("-e", project)]
    session.install("--no-build-isolation", "--no-deps", *editable)


def declared() -> tuple[list[str], dict[str, list[str]]]:
    """Give what all packages need to run, and what the core's extras bring."""
    projects = [ROOT / "pyproject.toml", *(ROOT / "plugins" / name / "pyproject.toml" for name in PLUGINS)]
    read = [tomllib.loads(path.read_text(encoding="utf-8"))["project"] for path in projects]
    own = tuple(project["name"] for project in read)
    needed = [one for project in read for one in project["dependencies"] if not one.startswith(own)]
    return needed, read[0]["optional-dependencies"]


def run_tests(session: nox.Session) -> None:
    """Run tests in two processes; the tests of one file stay together, because they share ports and folders."""
    processes = os.environ.get("ERP_TEST_PROCESSES", "2")
    # In the order of the folders: by default the files with few tests come last, and these are the slow ones.
    spread = ["-n", processes, "--dist", "loadfile", "--no-loadscope-reorder"]
    session.run("pytest", *spread, *session.posargs)


@nox.session(python="3.11")
def lint(session: nox.Session) -> None:
    """Check style, format and spelling."""
    session.install("-c", str(CONSTRAINTS), *LINT)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("codespell", *SPOKEN)


@nox.session(python="3.11")
def types(session: nox.Session) -> None:
    """Check all types, strictly."""
    install(session, *TYPES)
    session.run("mypy")


@nox.session(python="3.11")
def imports(session: nox.Session) -> None:
    """Check that imports point one way."""
    # The imports are read from the source; nothing that it imports has to be there.
    session.install("-c", str(CONSTRAINTS), *IMPORTS)
    session.run("lint-imports", env={"PYTHONPATH": str(ROOT)})


@nox.session(python="3.11")
def tests(session: nox.Session) -> None:
    """Run every test on real servers: nox -s tests -- tests/http -k name."""
    install(session, *TESTS)
    run_tests(session)


@nox.session(name="tests-all", python=PYTHONS)
def tests_all(session: nox.Session) -> None:
    """Run the tests on every supported Python that is installed."""
    install(session, *TESTS)
    run_tests(session)


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
    """Start everything with demo data, show what all seven answer, and stop: -- --keep leaves it running."""
    install(session, extras=["embedded"])
    session.env["ERP_DATA_DIR"] = str(ROOT / ".nox" / "demo-data")
    command = ["python", "-m", "erp_core.cli.demonstration", *session.posargs]
    # After Ctrl-C everything is given the time that an orderly stop takes.
    session.run(*command, interrupt_timeout=40, terminate_timeout=10)


@nox.session(python="3.11")
def wheels(session: nox.Session) -> None:
    """Build all seven wheels, install them in a fresh environment, and run the conformance and release tests there."""
    session.install("-c", str(CONSTRAINTS), *BUILD)
    shutil.rmtree(DIST, ignore_errors=True)
    for project in (".", *(f"plugins/{name}" for name in PLUGINS)):
        session.run("python", "-m", "build", "--wheel", "--no-isolation", "--outdir", str(DIST), project, silent=True)
    built = sorted(wheel.name for wheel in DIST.glob("*.whl"))
    session.log("built %s", ", ".join(built))
    fresh = Path(session.virtualenv.location) / "fresh"
    session.run("python", "-m", "venv", str(fresh))
    python = str(fresh / ("Scripts" if os.name == "nt" else "bin") / "python")
    wanted = ["erp-core[embedded,testing]", *PLUGINS]
    pip = [python, "-m", "pip", "install", "--quiet", "--constraint", str(CONSTRAINTS), "--find-links", str(DIST)]
    session.run(*pip, *wanted, external=True)
    # Away from the sources, so that what is imported is what was installed.
    session.chdir(fresh)
    pytest = [python, "-m", "pytest", "-p", "no:cacheprovider", f"--rootdir={ROOT}"]
    suites = [str(ROOT / "plugins" / name / "tests" / "test_contract.py") for name in PLUGINS]
    session.run(*pytest, "-n", "2", "--dist", "loadfile", *suites, external=True)
    session.run(*pytest, "-m", "release", str(ROOT / "tests" / "release"), external=True)


@nox.session(python="3.11")
def pins(session: nox.Session) -> None:
    """Choose the newest allowed versions of everything anew, for every supported Python and system."""
    session.install("-c", str(CONSTRAINTS), "uv")
    folder = Path(session.create_tmp())
    runtime, optional = declared()
    compile_pins(session, runtime, folder / "requirements.in", REQUIREMENTS, "--generate-hashes")
    extras = [one for extra in optional.values() for one in extra]
    compile_pins(session, [*runtime, *extras, *TOOLS], folder / "constraints.in", CONSTRAINTS)


def compile_pins(session: nox.Session, wanted: list[str], source: Path, target: Path, *options: str) -> None:
    """Resolve for all systems at once; no address of a registry gets into the file."""
    source.write_text("\n".join(wanted) + "\n", encoding="utf-8")
    quiet = ["--quiet", "--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
    oldest = ["--universal", "--upgrade", "--python-version", PYTHONS[0]]
    session.run("uv", "pip", "compile", *quiet, *oldest, *options, "--output-file", str(target), str(source))
