"""Several processes of ours, kept alive together, with one log."""

from __future__ import annotations

import http.client
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Final

import click

from erp_core.cli.processes import Process, Starter

COLOURS: Final = (
    "cyan",
    "green",
    "yellow",
    "magenta",
    "blue",
    "bright_cyan",
    "bright_green",
    "bright_yellow",
    "bright_magenta",
)
MOST_RESTARTS: Final = 5
WINDOW: Final = 60.0
LONGEST_PAUSE: Final = 8.0
TERM_SECONDS: Final = 8.0


@dataclass(slots=True)
class Child:
    """One process: the arguments it is started with, where it answers, and when it died."""

    name: str
    arguments: Sequence[str]
    port: int | None = None
    process: Process | None = None
    deaths: deque[float] = field(default_factory=deque)
    start_at: float = 0.0

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.status() is None


class GivenUp(Exception):
    """A process died again and again."""

    def __init__(self, child: Child) -> None:
        self.child = child
        super().__init__(child.name)


@dataclass(slots=True)
class Supervisor:
    """Starts the children, restarts those that die, and stops them all."""

    children: Sequence[Child]
    start: Starter
    environment: Mapping[str, str]
    host: str
    output: IO[str]
    stop: threading.Event
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, on_ready: Callable[[], None]) -> None:
        """Run until ``stop`` is set; ``on_ready`` is called once, when every address answers. Raises ``GivenUp``."""
        ready = False
        try:
            while not self.stop.is_set():
                self._keep_alive()
                if not ready and self._everything_answers():
                    ready = True
                    on_ready()
                self.stop.wait(0.2)
        finally:
            self.stop_all()

    def stop_all(self) -> None:
        """Ask every child to stop, and kill those that have not after ``TERM_SECONDS``."""
        alive = [(child.name, child.process) for child in self.children if child.process is not None]
        for _, process in alive:
            if process.status() is None:
                process.terminate()
        deadline = time.monotonic() + TERM_SECONDS
        for name, process in alive:
            if not process.wait(max(0.0, deadline - time.monotonic())):
                self.say(name, "did not stop in time and was killed")
                process.kill()
                process.wait(TERM_SECONDS)
            process.release()
        for child in self.children:
            child.process = None

    def say(self, name: str, text: str) -> None:
        """Write one line of the common log."""
        width = max(len(child.name) for child in self.children)
        place = next((at for at, child in enumerate(self.children) if child.name == name), 0)
        prefix = click.style(f"{name.ljust(width)} |", fg=COLOURS[place % len(COLOURS)])
        with self._lock:
            click.echo(f"{prefix} {text}", file=self.output)

    def _keep_alive(self) -> None:
        now = time.monotonic()
        for child in self.children:
            if child.process is None:
                if now >= child.start_at:
                    self._start(child)
            elif not child.running:
                self._bury(child, now)

    def _start(self, child: Child) -> None:
        child.process = self.start(child.arguments, self.environment)
        threading.Thread(target=self._copy_log, args=(child.name, child.process.output()), daemon=True).start()

    def _bury(self, child: Child, now: float) -> None:
        """Note a death, and plan the next start later each time; give up after too many within the window."""
        status = None
        if child.process is not None:
            status = child.process.status()
            child.process.release()
        child.process = None
        child.deaths.append(now)
        while child.deaths and now - child.deaths[0] > WINDOW:
            child.deaths.popleft()
        if len(child.deaths) > MOST_RESTARTS:
            raise GivenUp(child)
        pause = min(LONGEST_PAUSE, 0.5 * 2 ** (len(child.deaths) - 1))
        child.start_at = now + pause
        self.say(child.name, f"ended unexpectedly (status {status}); starting it again in {pause:g} s")

    def _copy_log(self, name: str, stream: IO[bytes]) -> None:
        with stream:
            for line in stream:
                self.say(name, line.decode("utf-8", "replace").rstrip("\n"))

    def _everything_answers(self) -> bool:
        return all(child.running and (child.port is None or answers(self.host, child.port)) for child in self.children)


def answers(host: str, port: int, path: str = "/health") -> bool:
    """Tell whether a service answers 200 there."""
    connection = http.client.HTTPConnection(reachable(host), port, timeout=1)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def reachable(host: str) -> str:
    """Give an address at which a service that listens on ``host`` can be reached from here."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - compared, not bound


def child_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Give the children's environment: ours without PORT, which would put them all on one port."""
    return {name: value for name, value in os.environ.items() if name != "PORT"} | {"PYTHONUNBUFFERED": "1", **extra}
