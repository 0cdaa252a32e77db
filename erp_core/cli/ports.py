"""Who listens on a port of this machine."""

from __future__ import annotations

import errno
import socket
import sys
from pathlib import Path
from typing import Final

from erp_core.cli import statuses
from erp_core.kernel.errors import OperatorError

_LISTENING: Final = "0A"


def is_taken(host: str, port: int) -> bool:
    """Tell whether somebody listens there already.

    The server shares its port among its own processes, so a second one of the same user would start without an error
    and get half of the requests: this question must be asked before.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        if sys.platform != "win32":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return True
            reason = error.strerror or str(error)
            raise OperatorError(
                f"Nothing can listen on {host} port {port}: {reason}.",
                "Correct ERP_HOST or PORT.",
                status=statuses.USAGE,
            ) from None
    return False


def refuse_taken(host: str, wanted: dict[str, int]) -> None:
    """Refuse to start when a port is taken; ``wanted`` is the port of each component."""
    for slug, port in wanted.items():
        if is_taken(host, port):
            pid = listening_pid(port)
            holder = f" by process {pid}" if pid else ""
            stop = "it" if pid else "what listens there"
            remedy = f"Stop {stop}, or choose another port (PORT or --port) for `erp serve {slug}`."
            raise OperatorError(f"Port {port} of {slug} is taken{holder}.", remedy, status=statuses.REFUSED)


def listening_pid(port: int) -> int | None:
    """Find the process that listens on a port; ``None`` where the system does not tell."""
    inodes = {inode for name in ("tcp", "tcp6") for inode in _inodes(Path("/proc/net") / name, port)}
    if not inodes:
        return None
    for process in Path("/proc").glob("[0-9]*"):
        if process.name.isdigit() and _holds(process, inodes):
            return int(process.name)
    return None


def _inodes(listing: Path, port: int) -> list[str]:
    """Read the sockets that listen on the port from the kernel's table (proc(5))."""
    try:
        lines = listing.read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return []
    fields = [line.split() for line in lines]
    return [f[9] for f in fields if f[3] == _LISTENING and int(f[1].rpartition(":")[2], 16) == port]


def _holds(process: Path, inodes: set[str]) -> bool:
    wanted = {f"socket:[{inode}]" for inode in inodes}
    try:
        return any(str(link.readlink()) in wanted for link in (process / "fd").iterdir())
    except OSError:
        return False
