"""Everything started once, with demo data: what each component answered, as a table; then everything stops.

It runs `erp up --demo` as anybody would, asks every health address, and looks the worker and the scheduler up in the
registry of services.
"""

from __future__ import annotations

import http.client
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from erp_core.cli import opening, statuses
from erp_core.cli.failures import report_failure
from erp_core.cli.output import print_rows, say
from erp_core.cli.supervisor import reachable
from erp_core.kernel.errors import OperatorError

if TYPE_CHECKING:
    from erp_core.kernel.services_registry import ServiceRecord
    from erp_core.kernel.settings import Settings

COLUMNS: Final = ("component", "address", "answer", "as_promised")
CORE_HEALTH: Final = b'{"status":"ok","db":true,"redis":true}'
VERTICAL_HEALTH: Final = b'{"status":"ok","db":true}'
BACKGROUND: Final = ("worker", "scheduler")
START_SECONDS: Final = 300.0
REGISTER_SECONDS: Final = 30.0
STOP_SECONDS: Final = 30.0


@click.command()
@click.option("--keep", is_flag=True, help="Leave everything running until Ctrl-C.")
def demonstration(*, keep: bool) -> None:
    """Start everything with demo data, print what each component answers, and stop it again."""
    settings = opening.read_settings()
    began = time.time()
    rows: list[dict[str, str]] = []
    with everything(keep=keep) as process:
        rows = [*health_rows(settings), *background_rows(settings, began)]
        if keep:
            print_rows(rows, COLUMNS, as_json=False)
            say("\nEverything keeps running - Ctrl-C stops it")
            process.wait()
    if not keep:
        click.echo()
        print_rows(rows, COLUMNS, as_json=False)
    wrong = [row["component"] for row in rows if row["as_promised"] != "yes"]
    if wrong:
        raise OperatorError(f"Not as promised: {', '.join(wrong)}.", "The log above says why.", status=statuses.FAULTS)


@contextmanager
def everything(*, keep: bool) -> Iterator[subprocess.Popen[bytes]]:
    """Run `erp up --demo` while the context is open; what it refuses is its own sentence, and its status is ours."""
    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder) / "ready"
        command = [sys.executable, "-m", "erp_core.cli", "up", "--demo", "--ready-file", str(ready)]
        with subprocess.Popen(command) as process:
            try:
                wait_until_ready(process, ready)
                yield process
            except KeyboardInterrupt:
                # The terminal has sent the same Ctrl-C to `erp up`. Where it was left running on purpose, this is no
                # failure but the way to end it.
                if not keep or not ready.exists():
                    raise
            finally:
                stop(process)
    if process.returncode != statuses.OK:
        raise SystemExit(process.returncode)


def wait_until_ready(process: subprocess.Popen[bytes], ready: Path) -> None:
    """Wait until every address answers, or leave with the status of an `erp up` that ended before."""
    deadline = time.monotonic() + START_SECONDS
    while not ready.exists():
        if process.poll() is not None:
            raise SystemExit(process.returncode or statuses.REFUSED)
        if time.monotonic() > deadline:
            sentence = f"Not every component answered within {START_SECONDS:.0f} s."
            raise OperatorError(sentence, "The log above says why; `erp doctor` looks closer.", status=statuses.FAULTS)
        time.sleep(0.1)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask `erp up` to stop, as Ctrl-C does, unless it has ended."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM if sys.platform == "win32" else signal.SIGINT)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        raise OperatorError("`erp up` did not stop in time and was killed.", "Look at the log above.") from None


def health_rows(settings: Settings) -> list[dict[str, str]]:
    """Ask every component for its health and compare the answer with the promised one, byte by byte."""
    rows = []
    for plugin in opening.installed_packages(settings).enabled:
        port = plugin.manifest.api_port
        status, body = asked(settings.host, port)
        promised = (http.client.OK, CORE_HEALTH if plugin.slug == "core" else VERTICAL_HEALTH)
        address = f"http://{reachable(settings.host)}:{port}/health"
        answer = f"{status} {body.decode('utf-8', 'replace')}"
        rows.append(row(plugin.slug, address, answer, right=(status, body) == promised))
    return rows


def asked(host: str, port: int) -> tuple[int, bytes]:
    """Give the status and the body of a health address; 0 and the reason when there is no answer."""
    connection = http.client.HTTPConnection(reachable(host), port, timeout=10)
    try:
        connection.request("GET", "/health")
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException) as error:
        return 0, str(error).encode()
    finally:
        connection.close()


def background_rows(settings: Settings, since: float) -> list[dict[str, str]]:
    """Say whether a worker and a scheduler are registered as alive since this Unix time."""
    found = {service.kind: service for service in registered_since(settings, since)}
    rows = []
    for kind in BACKGROUND:
        service = found.get(kind)
        answer = f"alive as process {service.pid}" if service else "not in the registry of services"
        rows.append(row(kind, "-", answer, right=service is not None))
    return rows


def registered_since(settings: Settings, since: float) -> list[ServiceRecord]:
    """List the registered services; a worker says that it lives a moment after its process has started."""
    from erp_core.cli.checks import running_services

    with opening.opened(settings) as application:
        deadline = time.monotonic() + REGISTER_SECONDS
        while True:
            services = running_services(application.addresses.redis_db(0)) or []
            alive = [service for service in services if service.at >= since]
            if {*BACKGROUND} <= {service.kind for service in alive} or time.monotonic() > deadline:
                return alive
            time.sleep(0.2)


def row(component: str, address: str, answer: str, *, right: bool) -> dict[str, str]:
    """Give a line of the table."""
    return {"component": component, "address": address, "answer": answer, "as_promised": "yes" if right else "NO"}


def run(arguments: Sequence[str]) -> int:
    """Run the demonstration and give its exit status; every error has been told by then."""
    try:
        demonstration.main(args=list(arguments), prog_name="nox -s demo --", standalone_mode=False)
    except BaseException as error:  # noqa: BLE001 - this is the last place that can turn one into a sentence
        return report_failure(error, debug=False)
    return statuses.OK


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
