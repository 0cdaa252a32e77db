"""What the doctor looks for on this machine and among the running services; each check is one function."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from erp_core.cli.ports import is_taken, listening_pid
from erp_core.cli.supervisor import answers, reachable

if TYPE_CHECKING:
    from erp_core.kernel.plugins.manager import PluginProblem
    from erp_core.kernel.services_registry import ServiceRecord

OK: Final = "ok"
WARNING: Final = "warning"
FAULT: Final = "fault"
COLUMNS: Final = ("check", "state", "found", "remedy")

_MEGABYTE: Final = 1_000_000
LITTLE_SPACE: Final = 2_000 * _MEGABYTE
NO_SPACE: Final = 200 * _MEGABYTE


@dataclass(frozen=True, slots=True)
class Finding:
    """One row of the doctor's table; ``state`` is ok, warning or fault."""

    check: str
    state: str
    found: str
    remedy: str = ""

    def row(self) -> dict[str, Any]:
        return asdict(self)


def check_plugins(problems: Sequence[PluginProblem], enabled: Sequence[str]) -> list[Finding]:
    """Check that every package can be loaded."""
    remedy = "`erp plugins check` prints the whole table."
    told = [f"{p.plugin} {p.version}: needs {p.needs}, found {p.found}. {p.why}" for p in problems]
    faults = [Finding("packages", FAULT, text, remedy) for text in told]
    return faults or [Finding("packages", OK, ", ".join(enabled))]


def check_redis(url: str) -> Finding:
    """Check that Redis answers, and is not about to throw away what it holds."""
    import redis

    client = redis.Redis.from_url(url, socket_timeout=3, socket_connect_timeout=3)
    try:
        facts: dict[str, Any] = client.info()
    except redis.RedisError as error:
        remedy = "Start Redis or correct REDIS_URL. Writes go on meanwhile; tasks and events wait in the outbox."
        return Finding("Redis", FAULT, f"It is away: {error}", remedy)
    finally:
        client.close()
    policy = facts.get("maxmemory_policy", "noeviction")
    if facts.get("maxmemory", 0) and policy != "noeviction":
        return Finding("Redis", WARNING, f"It may evict keys ({policy}).", "Set maxmemory-policy to noeviction.")
    return Finding("Redis", OK, f"version {facts['redis_version']}")


def running_services(url: str) -> list[ServiceRecord] | None:
    """List the registered processes; ``None`` when Redis is away."""
    import redis

    from erp_core.kernel.services_registry import list_services

    client = redis.Redis.from_url(url, socket_timeout=3, socket_connect_timeout=3)
    try:
        return list_services(client)
    except redis.RedisError:
        return None
    finally:
        client.close()


def check_jwt_secret(services: Sequence[ServiceRecord], own: str) -> Finding:
    """Check that all services, and this shell, have the same JWT_SECRET; ``own`` is this process's fingerprint."""
    groups: dict[str, list[str]] = {}
    for service in services:
        who = " ".join([service.kind, *service.slugs, f"({service.name})"])
        groups.setdefault(service.jwt_fingerprint, []).append(who)
    if len(groups) > 1:
        told = "; ".join(
            f"{fingerprint or 'not set'}: {', '.join(names)}" for fingerprint, names in sorted(groups.items())
        )
        remedy = "Set the same JWT_SECRET for all and restart them."
        return Finding("JWT_SECRET", FAULT, f"It differs between services - {told}", remedy)
    if groups and own not in groups:
        found = "The services agree, but this shell has another one."
        return Finding("JWT_SECRET", WARNING, found, "Set it as the services have it.")
    found = f"{len(services)} services agree" if services else "no service runs; nothing to compare"
    return Finding("JWT_SECRET", OK, found)


def check_versions(services: Sequence[ServiceRecord], version: str) -> Finding:
    """Check that all services run the installed version."""
    old = [
        f"{service.kind} {service.name} runs {service.version}" for service in services if service.version != version
    ]
    if old:
        return Finding("versions", WARNING, "; ".join(old), f"Restart them; {version} is installed.")
    return Finding("versions", OK, version)


def check_background(services: Sequence[ServiceRecord]) -> list[Finding]:
    """Check that a worker and a scheduler are alive wherever an API is."""
    findings = []
    serving = any(service.kind == "api" for service in services)
    for kind, effect in (("worker", "background tasks wait"), ("scheduler", "nothing starts by the clock")):
        alive = [service.name for service in services if service.kind == kind]
        if alive:
            findings.append(Finding(kind, OK, ", ".join(alive)))
        elif serving:
            findings.append(Finding(kind, FAULT, f"None is alive: {effect}.", f"Start one with `erp {kind}`."))
        else:
            findings.append(Finding(kind, OK, "no API runs either"))
    return findings


def check_ports(host: str, ports: Mapping[str, int], services: Sequence[ServiceRecord] | None) -> list[Finding]:
    """Check that no assigned port is held by something that is not ours.

    Without the registry of services (``None``) a port is ours when it answers as ours do.
    """
    here = socket.gethostname()
    ours = {service.port for service in services or () if service.host == here}
    findings = []
    for slug, port in ports.items():
        if not is_taken(host, port) or port in ours:
            continue
        if services is None and answers(reachable(host), port, "/health/live"):
            continue
        pid = listening_pid(port)
        holder = f"process {pid}" if pid else "another process"
        found = f"Port {port} of {slug} is taken by {holder}, which is not ours."
        findings.append(Finding("ports", FAULT, found, f"Stop it, or serve {slug} elsewhere with PORT or --port."))
    return findings or [Finding("ports", OK, f"{min(ports.values())} to {max(ports.values())} are free or ours")]


def check_disk(folder: Path) -> Finding:
    """Check that there is space left where the embedded servers and files live."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    found = f"{free / _MEGABYTE:,.0f} MB free at {folder}"
    remedy = "Make space, or set ERP_DATA_DIR to a folder on a larger disk."
    if free < NO_SPACE:
        return Finding("disk space", FAULT, found, remedy)
    return Finding("disk space", WARNING, found, remedy) if free < LITTLE_SPACE else Finding("disk space", OK, found)


def seconds_apart(before: float, theirs: float, after: float) -> float:
    """Tell how far another clock is from ours, given when we asked and when we had the answer (Unix times)."""
    return theirs - (before + after) / 2


def unix_now() -> float:
    """Give this machine's Unix time."""
    return time.time()
