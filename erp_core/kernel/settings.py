"""The settings of a process: typed, read once from the environment, listed by `erp config`."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import quote

from erp_core.kernel.errors import OperatorError

# Read by the test suites only; known here so that setting them is not an error.
TEST_NAMES = frozenset({"ERP_TEST_DATABASE_URL", "ERP_TEST_REDIS_URL", "ERP_SAMPLES"})


Network = IPv4Network | IPv6Network


def setting(name: str, default: Any, about: str, *, secret: bool = False) -> Any:
    """Declare one setting: its environment variable, its default and what it means."""
    return field(default=default, metadata={"env": name, "about": about, "secret": secret})


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting; an empty database address means that the embedded servers are used."""

    env: str = setting(
        "ERP_ENV", "development", "development or production; production logs JSON and asks for secrets."
    )
    plugins: tuple[str, ...] | None = setting(
        "ERP_PLUGINS", None, "Slugs of the enabled plugins, comma separated; unset: all installed."
    )
    data_dir: Path | None = setting(  # noqa: RUF009 - it makes a field
        "ERP_DATA_DIR", None, "Where the embedded servers and files live; unset: the user's data folder."
    )
    host: str = setting("ERP_HOST", "127.0.0.1", "Address that the servers listen on.")
    port: int | None = setting("PORT", None, "Port of the served API; unset: the assigned port of the component.")
    database_url: str | None = setting(
        "DATABASE_URL", None, "Address of the application's role; wins over DB_*.", secret=True
    )
    db_host: str | None = setting("DB_HOST", None, "Database host; unset with no DATABASE_URL: embedded PostgreSQL.")
    db_port: int = setting("DB_PORT", 5432, "Database port.")
    db_name: str = setting("DB_NAME", "erp_generic", "Database name.")
    db_user: str = setting("DB_USER", "erp_app", "Role that the application uses; it must not be privileged.")
    db_password: str | None = setting("DB_PASSWORD", None, "Its password.", secret=True)
    db_ssl: bool = setting("DB_SSL", False, "Require TLS to the database.")
    migration_url: str | None = setting(
        "ERP_MIGRATION_URL", None, "Address of erp_migrator, for `erp plugins migrate`.", secret=True
    )
    admin_url: str | None = setting(
        "ERP_ADMIN_URL", None, "Address of a superuser, for `erp db init` only.", secret=True
    )
    redis_url: str | None = setting("REDIS_URL", None, "Address of Redis; wins over REDIS_*.", secret=True)
    redis_host: str | None = setting("REDIS_HOST", None, "Redis host; unset with no REDIS_URL: embedded Redis.")
    redis_port: int = setting("REDIS_PORT", 6379, "Redis port.")
    redis_db: int | None = setting("REDIS_DB", None, "Redis database; unset: the assigned one of the component.")
    jwt_secret: str | None = setting(
        "JWT_SECRET", None, "Shared HS256 secret, accepted beside Ed25519 for compatibility.", secret=True
    )
    task_key: str | None = setting(
        "ERP_TASK_KEY", None, "Key that signs background messages; embedded: made once.", secret=True
    )
    trusted_proxies: tuple[str, ...] | None = setting(
        "ERP_TRUSTED_PROXIES", None, "Networks of your proxies, comma separated; only they may say whose request it is."
    )
    frontend_url: str | None = setting("FRONTEND_URL", None, "Origin of the web application, allowed by CORS.")
    log_level: str = setting("ERP_LOG_LEVEL", "info", "debug, info, warning or error.")
    query_connections: int = setting(
        "ERP_QUERY_CONNECTIONS", 8, "Connections for queries and everyday writes, per process."
    )
    command_threads: int = setting(
        "ERP_COMMAND_THREADS", 4, "Threads, and connections, for business actions, per process."
    )
    worker_threads: int = setting("ERP_WORKER_THREADS", 4, "Threads of a worker process.")
    statement_timeout: int = setting("ERP_STATEMENT_TIMEOUT", 15000, "Longest statement of a request, in milliseconds.")
    max_body: int = setting("ERP_MAX_BODY", 2_097_152, "Longest request body, in bytes.")
    max_upload: int = setting("ERP_MAX_UPLOAD", 52_428_800, "Longest uploaded file, in bytes.")
    rate_limit: int = setting("ERP_RATE_LIMIT", 6000, "Requests a minute for one user in one process; 0: no limit.")
    prepare: bool = setting("ERP_DB_PREPARE", True, "Use prepared statements; set to false behind an old PgBouncer.")

    @property
    def embedded_database(self) -> bool:
        return self.database_url is None and self.db_host is None

    @property
    def embedded_redis(self) -> bool:
        return self.redis_url is None and self.redis_host is None

    @property
    def production(self) -> bool:
        return self.env == "production"

    def composed_database_url(self) -> str | None:
        """Give the application's address from DATABASE_URL or its parts; ``None`` when embedded."""
        if self.database_url is not None or self.db_host is None:
            return self.database_url
        password = f":{quote(self.db_password, safe='')}" if self.db_password else ""
        tls = "?sslmode=require" if self.db_ssl else ""
        return (
            f"postgresql://{quote(self.db_user, safe='')}{password}@{self.db_host}:{self.db_port}/{self.db_name}{tls}"
        )

    def composed_redis_url(self) -> str | None:
        """Give the address of Redis without a database number; ``None`` when embedded."""
        if self.redis_url is not None or self.redis_host is None:
            return self.redis_url
        return f"redis://{self.redis_host}:{self.redis_port}"


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read every setting, or refuse with the first wrong one and its remedy (``OperatorError``, status 2)."""
    fields = {item.metadata["env"]: item for item in dataclasses.fields(Settings)}
    for name in environ:
        if name.startswith("ERP_") and name not in fields and name not in TEST_NAMES:
            close = difflib.get_close_matches(name, fields, n=1)
            hint = f"Did you mean {close[0]}?" if close else "`erp config` lists the known names."
            raise OperatorError(f"{name} is not a setting.", hint, status=2)
    values = {item.name: _read(name, item, environ[name]) for name, item in fields.items() if environ.get(name)}
    settings = Settings(**values)
    if settings.env not in {"development", "production"}:
        raise OperatorError(f"ERP_ENV is {settings.env!r}.", "Set it to development or production.", status=2)
    networks(settings.trusted_proxies)
    return settings


def networks(texts: tuple[str, ...] | None) -> tuple[Network, ...]:
    """Read networks such as 10.0.0.0/8 or single addresses, or refuse with the first wrong one."""
    found: list[Network] = []
    for text in texts or ():
        try:
            found.append(ip_network(text, strict=False))
        except ValueError:
            raise OperatorError(
                f"{text!r} is no network.", "Write it as 10.0.0.0/8 or as one address.", status=2
            ) from None
    return tuple(found)


def _read(name: str, item: dataclasses.Field[Any], text: str) -> Any:
    kind = str(item.type)
    try:
        if kind.startswith("tuple"):
            return tuple(part.strip() for part in text.split(",") if part.strip())
        if kind.startswith("int"):
            return int(text)
        if kind == "bool":
            return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[text.lower()]
        return Path(text).expanduser() if kind.startswith("Path") else text
    except (ValueError, KeyError):
        wanted = "a whole number" if kind.startswith("int") else "true or false"
        raise OperatorError(f"{name} is {text!r}.", f"Set it to {wanted}.", status=2) from None


def describe_settings(settings: Settings) -> list[dict[str, str]]:
    """List every setting with its value (secrets hidden), default and meaning."""
    rows = []
    for item in dataclasses.fields(Settings):
        value = getattr(settings, item.name)
        shown = "" if value is None else ",".join(value) if isinstance(value, tuple) else str(value)
        default = "" if item.default is None else str(item.default)
        hidden = item.metadata["secret"] and shown
        rows.append(
            {
                "name": item.metadata["env"],
                "value": "(set)" if hidden else shown,
                "default": default,
                "about": item.metadata["about"],
            }
        )
    return rows
