"""What the gate's rules look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg

from erp_core.kernel.database.global_tables import is_global

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Fault:
    """A rule that does not hold: which, where, what is wrong, and what to do about it."""

    rule: str
    table: str
    what: str
    remedy: str
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A connection, the schemas in question, and which of their tables are tenant tables."""

    conn: psycopg.Connection[Any]
    schemas: list[str]
    tables: list[str]
    tenant_tables: list[str]

    def of_tenants(self, query: LiteralString) -> Rows:
        """Run a query whose one parameter is the list of tenant tables, as ``schema.table``."""
        return self.conn.execute(query, [self.tenant_tables]).fetchall()

    def of_schemas(self, query: LiteralString) -> Rows:
        """Run a query whose one parameter is the list of schemas."""
        return self.conn.execute(query, [self.schemas]).fetchall()


def read_catalogue(conn: psycopg.Connection[Any], schemas: Sequence[str], allow_list: Mapping[str, str]) -> Catalogue:
    """Find the tables of the schemas and tell the tenant tables from the global ones."""
    query = """SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE c.relkind IN ('r', 'p') AND n.nspname = ANY(%s) ORDER BY 1"""
    tables = [row[0] for row in conn.execute(query, [list(schemas)]).fetchall()]
    return Catalogue(conn, list(schemas), tables, [table for table in tables if not is_global(table, allow_list)])
