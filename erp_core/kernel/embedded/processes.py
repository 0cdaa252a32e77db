"""Recognise, run and end server processes."""

from __future__ import annotations

import hashlib
import importlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    """Tell whether the system knows `pid`, but surely not as `program` working in `folder`: a stranger or a zombie."""
    if pid is None or not _psutil().pid_exists(pid):
        return False
    process = _living(pid)
    return process is None or _works_in(process, program, folder) is False


def any_works_in(program: str, folder: Path) -> bool:
    """Tell whether any living process of `program` works in `folder`."""
    named = (process for process in _psutil().process_iter() if is_alive(process))
    return any(_works_in(process, program, folder) for process in named)


def is_alive(process: Process) -> bool:
    """Tell whether a process still runs; a zombie does not, it only waits for a parent that may never ask."""
    try:
        return bool(process.is_running() and process.status() != _psutil().STATUS_ZOMBIE)
    except _psutil().Error:
        return False


def _psutil() -> Any:
    """Import the package on first use, because only the optional extra brings it."""
    return importlib.import_module("psutil")


def _living(pid: int | None) -> Process | None:
    try:
        process = None if pid is None else _psutil().Process(pid)
    except _psutil().Error:
        return None
    return process if process is not None and is_alive(process) else None


def name_tag(folder: Path) -> str:
    """Return the word that the servers of this folder carry in their command line, which everybody may read.

    Their working directory would tell the same, but root in a plain container may not see it.
    """
    return f"erp-{hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]}"


def _works_in(process: Process, program: str, folder: Path) -> bool | None:
    """Return None where the system does not let us see."""
    try:
        if not process.name().startswith(program):
            return False
        return name_tag(folder) in " ".join(process.cmdline()) or Path(process.cwd()).samefile(folder)
    except (_psutil().Error, OSError):
        return None


def run_program(command: Sequence[str], account: Account, folder: Path, *, text: str = "",
                keep: Sequence[int] = (), output: Path | None = None) -> int:  # fmt: skip
    """Run a program to its end in `folder` under `account`, apart from this terminal; return its exit status.

    `text` is its standard input, `keep` are file descriptors it may use, `output` receives what it prints. Neither
    is a pipe, because a server that the program leaves behind would keep a pipe open and this call would never end.
    """
    creation = 0
    if sys.platform == "win32":
        creation = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    try:
        with (output or Path(os.devnull)).open("ab") as sink:
            return subprocess.run(
                list(command),
                cwd=folder, env=_environment(os.environ), input=text.encode(), stdout=sink, stderr=sink, check=False,
                start_new_session=True, creationflags=creation, pass_fds=keep, **account.identity(),
            ).returncode  # fmt: skip
    except (OSError, subprocess.SubprocessError) as refused:
        who = "this user" if account.uid is None else f"user id {account.uid}"
        msg = f"{command[0]} cannot be run as {who} ({refused}). Run as an ordinary user, or use servers of your own."
        raise EmbeddedUnavailable(msg) from refused


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
