"""The one generator of row-level security: what keeps every tenant's rows apart."""

from __future__ import annotations

import re

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}\Z")

PERMISSIVE = "tenant"
RESTRICTIVE = "tenant_always"

# Bare, not in a sub-select: beside the statement's own `tenant_id = …` the planner makes it a one-time filter.
CONDITION = "tenant_id = nullif(current_setting('app.current_tenant', true), '')::uuid"

# The same condition as `pg_get_expr` prints it, which is how the gate recognises it.
CONDITION_IN_CATALOGUE = "(tenant_id = (NULLIF(current_setting('app.current_tenant'::text, true), ''::text))::uuid)"


def checked_name(name: str) -> str:
    """Give the name back if it may stand in SQL text unquoted; ``ValueError`` otherwise."""
    if NAME.match(name) is None:
        msg = f"{name!r} is not a usable name: lower-case letters, digits and underscores, at most 63."
        raise ValueError(msg)
    return name


def quoted(table: str) -> str:
    """Quote ``schema.table`` for SQL text, after checking both names."""
    schema, dot, name = table.partition(".")
    if not dot:
        msg = f"{table!r} has no schema; write schema.table."
        raise ValueError(msg)
    return f'"{checked_name(schema)}"."{checked_name(name)}"'


def protection(table: str) -> list[str]:
    """Give the statements that enable and force row-level security on ``schema.table``, with both policies.

    The restrictive twin keeps a careless ``USING (true)`` policy of somebody else harmless: permissive policies are
    joined with OR, restrictive ones with AND.
    """
    name = quoted(table)
    return [
        f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY",
        _policy(PERMISSIVE, name, "PERMISSIVE"),
        _policy(RESTRICTIVE, name, "RESTRICTIVE"),
    ]


def _policy(policy: str, table: str, kind: str) -> str:
    return f"CREATE POLICY {policy} ON {table} AS {kind} FOR ALL TO PUBLIC USING ({CONDITION}) WITH CHECK ({CONDITION})"
