"""Recognise, run and end server processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from erp_core.kernel.embedded.account import Account
from erp_core.kernel.embedded.errors import EmbeddedUnavailable

if TYPE_CHECKING:
    from psutil import Process

_POLL = 0.02


def find_server(pid: int | None, program: str, folder: Path) -> Process | None:
    """Return the living process `pid` if it is `program` working in `folder`, else None.

    A process id in a file outlives its process and is given to others later: the id alone proves nothing.
    """
    process = _living(pid)
    return process if process is not None and _works_in(process, program, folder) else None


def is_impostor(pid: int | None, program: str, folder: Path) -> bool:
    """Tell whether `pid` surely belongs to something other than `program` working in `folder`."""
    process = _living(pid)
    return process is not None and _works_in(process, program, folder) is False


def _living(pid: int | None) -> Process | None:
    try:
        import psutil  # noqa: PLC0415 -- brought by the optional extra
    except ModuleNotFoundError as missing:
        raise EmbeddedUnavailable.not_installed("psutil", "DATABASE_URL and REDIS_URL") from missing
    try:
        process = None if pid is None else psutil.Process(pid)
        # A zombie is dead; it only waits for a parent that may never ask (process 1 of a plain container).
        return None if process is None or process.status() == psutil.STATUS_ZOMBIE else process
    except psutil.Error:
        return None


def _works_in(process: Process, program: str, folder: Path) -> bool | None:
    """Return None where the system does not let us see."""
    import psutil  # noqa: PLC0415 -- brought by the optional extra

    try:
        return process.name().startswith(program) and Path(process.cwd()).samefile(folder)
    except (psutil.Error, OSError):
        return None


def run_program(command: Sequence[str | Path], account: Account, folder: Path, *, text: str = "",
                keep: Sequence[int] = (), output: Path | None = None) -> int:  # fmt: skip
    """Run a program to its end in `folder` under `account`, apart from this terminal; return its exit status.

    `text` is its standard input, `keep` are file descriptors it may use, `output` receives what it prints. Neither
    is a pipe, because a server that the program leaves behind would keep a pipe open and this call would never end.
    """
    creation = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW if sys.platform == "win32" else 0
    with (output or Path(os.devnull)).open("ab") as sink:
        return subprocess.run(
            [str(part) for part in command],
            cwd=folder, env=_environment(os.environ), input=text.encode(), stdout=sink, stderr=sink, check=False,
            start_new_session=True, creationflags=creation, pass_fds=keep, **account.identity(),
        ).returncode  # fmt: skip


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Ask until the condition holds; False if it still does not after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL)
    return True


def last_lines(path: Path, count: int = 5) -> str:
    """Return the end of a log file in one line, for an error message."""
    try:
        return " | ".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-count:])
    except OSError:
        return ""


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    # The variables PG* would redirect the programs to another cluster, and the application's secrets are not theirs.
    wanted = ("PATH", "SYSTEMROOT", "SYSTEMDRIVE", "COMSPEC", "TEMP", "TMP", "TMPDIR", "LD_LIBRARY_PATH")
    return {name: environ[name] for name in wanted if name in environ} | {"LC_ALL": "C", "TZ": "UTC"}
