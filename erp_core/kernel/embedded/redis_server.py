"""Start and stop the embedded Redis."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from erp_core.kernel.embedded.account import Account, runnable, server_account
from erp_core.kernel.embedded.binaries import redis_binary, redis_package, redis_release
from erp_core.kernel.embedded.errors import EmbeddedUnavailable
from erp_core.kernel.embedded.ports import LOOPBACK, choose_port, remembered_port
from erp_core.kernel.embedded.processes import find_server, last_lines, name_tag, run_program, wait_until

if TYPE_CHECKING:
    from psutil import Process

_ATTEMPTS = 3
_READY_SECONDS = 60.0
_LOG_LIMIT = 10_000_000


def start_redis(data_dir: Path, password: str, *, say: Callable[[str], None]) -> int:
    """Start Redis if it does not run, and return its port; call it inside `transition`."""
    folder = data_dir / "redis"
    port = remembered_port(data_dir, "redis")
    if _process(folder) is not None and port is not None and _becomes_ready(folder, port, password):
        return port
    stop_redis(data_dir)  # One that runs without answering would write into the same files.
    say("Starting Redis")
    folder.mkdir(mode=0o700, exist_ok=True)
    _rotate(folder / "redis.log")
    account = server_account(folder)
    account.own(folder)
    for _ in range(_ATTEMPTS):
        port = choose_port(data_dir, "redis")
        if _launch(folder, port, password, account) and _becomes_ready(folder, port, password):
            return port
    msg = f"Redis does not start: {last_lines(folder / 'redis.log')} Look at {folder / 'redis.log'}, then start again."
    raise EmbeddedUnavailable(msg)


def stop_redis(data_dir: Path) -> None:
    """Stop Redis if it runs, after it has written everything to disk; call it inside `transition`."""
    folder = data_dir / "redis"
    process = _process(folder)
    if process is None:
        return
    process.terminate()  # Redis answers SIGTERM by flushing its append-only file and leaving.
    if not wait_until(lambda: _process(folder) is None, 30):
        process.kill()
        wait_until(lambda: _process(folder) is None, 5)


def _launch(folder: Path, port: int, password: str, account: Account) -> bool:
    (folder / "redis.pid").unlink(missing_ok=True)
    # The configuration goes through standard input: the password stands neither in a file nor in the process list.
    status = run_program([str(_program(account)), "-"], account, folder, text=_configuration(folder, port, password))
    return status == 0 and wait_until(lambda: _process(folder) is not None, 2)


def _configuration(folder: Path, port: int, password: str) -> str:
    lines = (
        "daemonize yes", "supervised no", "pidfile redis.pid", "logfile redis.log", "dir .",
        f'proc-title-template "{{title}} {name_tag(folder)} {{listen-addr}}"',
        f"bind {LOOPBACK}", f"port {port}", "protected-mode yes", f"requirepass {password}",
        "databases 16", "appendonly yes", "appendfsync everysec", 'save ""', "maxmemory-policy noeviction",
    )  # fmt: skip
    return "\n".join(lines) + "\n"


def _becomes_ready(folder: Path, port: int, password: str) -> bool:
    wait_until(lambda: _answers(port, password) or _process(folder) is None, _READY_SECONDS)
    return _answers(port, password)


def _answers(port: int, password: str) -> bool:
    """Tell whether our Redis listens here and is ready: nobody else accepts the password."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\nQUIT\r\n".encode())
            with connection.makefile("rb") as answers:
                return answers.read().startswith(b"+OK\r\n+PONG\r\n")
    except OSError:
        return False


def _process(folder: Path) -> Process | None:
    try:
        pid = int((folder / "redis.pid").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return find_server(pid, "redis-server", folder)


def _program(account: Account) -> Path:
    return runnable(redis_binary(), redis_package(), redis_release(), account)


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > _LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))
