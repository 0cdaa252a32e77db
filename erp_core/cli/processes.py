"""Child processes of `erp up`: programs of their own, or forks of one process that has imported everything already.

Nine processes that each import the whole application hold the same 75 MB nine times and need nine times 1.3 s of a
processor to start. Forked from one that has done it, they share those pages. It is done where forking is safe, which is
Linux; the server they are forked from has one thread and opens nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkServerContext

CAN_FORK: Final = sys.platform == "linux"


class Process(Protocol):
    """A running child, whatever started it."""

    @property
    def pid(self) -> int: ...

    def status(self) -> int | None:
        """Give the exit status, negative for a signal; ``None`` while it runs."""

    def wait(self, seconds: float) -> bool:
        """Wait for its end; tells whether it ended."""

    def terminate(self) -> None: ...

    def kill(self) -> None: ...

    def output(self) -> IO[bytes]:
        """Give what it prints, both streams as one."""

    def release(self) -> None:
        """Close the pipe whose end tells the child that we are gone."""


class Starter(Protocol):
    """Starts `erp` with these arguments and this environment."""

    def __call__(self, arguments: Sequence[str], environment: Mapping[str, str]) -> Process: ...


def spawn_erp(arguments: Sequence[str], environment: Mapping[str, str]) -> Process:
    """Start another `erp` as a program of its own, with this interpreter."""
    return spawn([sys.executable, "-m", "erp_core.cli", *arguments], environment)


def spawn(command: Sequence[str], environment: Mapping[str, str]) -> Process:
    """Start any program, in a process group of its own.

    The group keeps the terminal's Ctrl-C from reaching the child before we can ask it ourselves.
    """
    apart: dict[str, Any] = {} if sys.platform == "win32" else {"process_group": 0}
    pipe = subprocess.PIPE
    return Spawned(
        subprocess.Popen(
            list(command), stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, env=dict(environment), **apart
        )
    )


@dataclass(frozen=True, slots=True)
class Spawned:
    """A program of its own."""

    inner: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        return self.inner.pid

    def status(self) -> int | None:
        return self.inner.poll()

    def wait(self, seconds: float) -> bool:
        try:
            self.inner.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def terminate(self) -> None:
        self.inner.terminate()

    def kill(self) -> None:
        self.inner.kill()

    def output(self) -> IO[bytes]:
        assert self.inner.stdout is not None  # noqa: S101 - it was started with a pipe
        return self.inner.stdout

    def release(self) -> None:
        if self.inner.stdin is not None:
            self.inner.stdin.close()


def forking_starter() -> Starter:
    """Give a starter whose children are forked from one prepared process; it starts with the first of them."""
    import multiprocessing

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["erp_core.cli.preloaded"])

    def start(arguments: Sequence[str], environment: Mapping[str, str]) -> Process:
        return _fork(context, arguments, environment)

    return start


def _fork(context: ForkServerContext, arguments: Sequence[str], environment: Mapping[str, str]) -> Process:
    alive_read, alive_write = context.Pipe(duplex=False)
    output_read, output_write = context.Pipe(duplex=False)
    inner = context.Process(target=_run_erp, args=(list(arguments), dict(environment), alive_read, output_write))
    inner.start()
    # The child has these ends now; ours would keep the pipes open after its death.
    alive_read.close()
    output_write.close()
    return Forked(inner, alive_write, output_read)


def _run_erp(arguments: list[str], environment: dict[str, str], alive: Connection, output: Connection) -> None:
    """Become an `erp` process, in the forked child."""
    os.setpgid(0, 0)
    os.dup2(alive.fileno(), 0)
    os.dup2(output.fileno(), 1)
    os.dup2(output.fileno(), 2)
    alive.close()
    output.close()
    os.environ.clear()
    os.environ.update(environment)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - a descriptor, open as long as the process lives
    sys.stdout = open(1, "w", buffering=1, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
    from erp_core.cli.main import run

    sys.exit(run(arguments))


@dataclass(frozen=True, slots=True)
class Forked:
    """A fork of the prepared process."""

    inner: Any
    alive: Connection
    reading: Connection

    @property
    def pid(self) -> int:
        return int(self.inner.pid)

    def status(self) -> int | None:
        code: int | None = self.inner.exitcode
        return code

    def wait(self, seconds: float) -> bool:
        self.inner.join(seconds)
        return self.inner.exitcode is not None

    def terminate(self) -> None:
        self.inner.terminate()

    def kill(self) -> None:
        self.inner.kill()

    def output(self) -> IO[bytes]:
        return os.fdopen(os.dup(self.reading.fileno()), "rb")

    def release(self) -> None:
        self.alive.close()
        self.reading.close()
        self.inner.close()
