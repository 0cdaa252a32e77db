"""TCP ports on the loopback address that stay the same from one start to the next."""

from __future__ import annotations

import json
import secrets
import socket
import sys
from functools import partial
from pathlib import Path

from erp_core.kernel.embedded.errors import EmbeddedUnavailable
from erp_core.kernel.embedded.processes import wait_until

LOOPBACK = "127.0.0.1"
# Below the range from which systems lend ports to outgoing connections, so that a remembered port is rarely lent away.
_FIRST, _LAST = 20_000, 31_999


def remembered_port(data_dir: Path, server: str) -> int | None:
    """Return the port that `server` used last, if any."""
    return _read(data_dir).get(server)


def choose_port(data_dir: Path, server: str) -> int:
    """Return the remembered port of a server that is not running, or a new one if somebody else took it."""
    port = remembered_port(data_dir, server)
    # The threads of a killed server may keep its socket for some milliseconds after the process counts as dead.
    if port is None or not wait_until(partial(is_free, port), 0.5):
        port = _free_port()
        _path(data_dir).write_text(json.dumps({**_read(data_dir), server: port}), encoding="utf-8")
    return port


def is_free(port: int) -> bool:
    """Tell whether a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if sys.platform != "win32":
            # Connections of the previous run that are still closing do not hinder the servers, nor this question.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def _free_port() -> int:
    # At random, because several first starts on one machine would otherwise all try the same port.
    for _ in range(200):
        port = _FIRST + secrets.randbelow(_LAST - _FIRST + 1)
        if is_free(port):
            return port
    msg = f"No free port was found between {_FIRST} and {_LAST} on {LOOPBACK}. Stop what occupies them."
    raise EmbeddedUnavailable(msg)


def _path(data_dir: Path) -> Path:
    return data_dir / "ports.json"


def _read(data_dir: Path) -> dict[str, int]:
    # Ports can always be chosen again, so a damaged file counts as an empty one.
    try:
        return dict(json.loads(_path(data_dir).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return {}
