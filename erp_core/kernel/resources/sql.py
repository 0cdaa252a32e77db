"""The one place where SQL text is put together: from the names in a declaration, never from values.

Every name comes from SQLAlchemy's table metadata and is quoted; every value is a numbered parameter that the server
binds. Statements are built once for each shape and kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Integer,
    Numeric,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from erp_core.kernel.context import past_of
from erp_core.kernel.queries.pipeline import Statement, statement
from erp_core.kernel.resources.declaration import ALWAYS, Resource

# The kinds of a field as the metadata and the OpenAPI document name them, and the PostgreSQL type of a parameter.
_KINDS: tuple[tuple[type[Any], str, str], ...] = (
    (Uuid, "uuid", "uuid"),
    (Boolean, "boolean", "boolean"),
    (SmallInteger, "integer", "bigint"),
    (BigInteger, "integer", "bigint"),
    (Integer, "integer", "bigint"),
    (Numeric, "decimal", "numeric"),
    (DateTime, "moment", "timestamptz"),
    (Date, "date", "date"),
    (ARRAY, "list", "text[]"),
    (JSONB, "json", "jsonb"),
    (Text, "text", "text"),
)
OPERATORS = {"eq": "=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def table_of(resource: Resource) -> Table:
    """Give the table of a resource's model."""
    table = resource.model.__table__
    if not isinstance(table, Table):
        message = f"{resource.name} is not declared on a table."
        raise TypeError(message)
    return table


def kind_of(table: Table, column: str) -> str:
    """Name the kind of a column: text, uuid, integer, decimal, boolean, moment, date, list or json."""
    return _kind(table, column)[1]


def _kind(table: Table, column: str) -> tuple[type[Any], str, str]:
    for entry in _KINDS:
        if isinstance(table.c[column].type, entry[0]):
            return entry
    message = f"{table.fullname}.{column} has a type that resources do not serve."
    raise TypeError(message)


def quote(name: str) -> str:
    """Quote an identifier."""
    return '"' + name.replace('"', '""') + '"'


def full_name(table: Table) -> str:
    """Give the quoted name with its schema."""
    return f"{quote(table.schema or 'public')}.{quote(table.name)}"


def shown_columns(resource: Resource) -> tuple[str, ...]:
    """Give the columns that a reader sees, in order."""
    table = table_of(resource)
    return ("id", *resource.read, *(name for name in ALWAYS if name != "id" and name in table.c))


def render(
    resource: Resource, columns: Sequence[str], includes: Sequence[tuple[str, Resource]] = (), alias: str = "t"
) -> str:
    """Build the JSON expression of one row; decimals become strings, because JSON readers round numbers."""
    table = table_of(resource)
    parts = []
    for name in columns:
        value = f"{alias}.{quote(name)}"
        parts.append(f"'{name}', " + (f"trim_scale({value})::text" if kind_of(table, name) == "decimal" else value))
    for column, target in includes:
        inner = render(target, shown_columns(target), alias="r")
        where = f"r.tenant_id = {alias}.tenant_id AND r.id = {alias}.{quote(column)}"
        parts.append(
            f"'{column.removesuffix('_id')}', (SELECT {inner} FROM {full_name(table_of(target))} r WHERE {where})"
        )
    return f"json_build_object({', '.join(parts)})"


@lru_cache(maxsize=2048)
def read_statement(
    resource: Resource, columns: tuple[str, ...], includes: tuple[tuple[str, Resource], ...] = ()
) -> Statement:
    """Read one row: ``$1`` tenant, ``$2`` id; gives the JSON text and the version."""
    table = table_of(resource)
    version = 't."version"' if "version" in table.c else "NULL"
    return statement(
        f"SELECT {render(resource, columns, includes)}::text, {version}"
        f" FROM {full_name(table)} t WHERE t.tenant_id = $1 AND t.id = $2"
    )


@lru_cache(maxsize=4096)
def list_statement(
    resource: Resource,
    columns: tuple[str, ...],
    includes: tuple[tuple[str, Resource], ...],
    filters: tuple[tuple[str, str], ...],
    sort: tuple[str, bool],
    *,
    after: bool,
    archived: str,
    search: bool,
) -> Statement:
    """Read a page: ``$1`` tenant, then the filters in order, the search text, the cursor's two values and the limit.

    ``filters`` are pairs of column and operator; ``sort`` is a column and whether it descends. Each row gives the JSON
    text, the sort value and the id.
    """
    table = table_of(resource)
    where, used = _conditions(resource, filters, archived=archived, search=search)
    column, descending = sort
    key = f"t.{quote(column)}"
    if after:
        pg = _kind(table, column)[2]
        where.append(f"({key}, t.id) {'<' if descending else '>'} (${used + 1}::{pg}, ${used + 2}::uuid)")
        used += 2
    way = "DESC" if descending else "ASC"
    return statement(
        f"SELECT {render(resource, columns, includes)}::text, {key}::text, t.id"
        f" FROM {full_name(table)} t WHERE {' AND '.join(where)}"
        f" ORDER BY {key} {way}, t.id {way} LIMIT ${used + 1}::bigint"
    )


@lru_cache(maxsize=1024)
def count_statement(
    resource: Resource, filters: tuple[tuple[str, str], ...], *, archived: str, search: bool
) -> Statement:
    """Count the rows of a list; parameters as in ``list_statement`` up to the search text."""
    where, _ = _conditions(resource, filters, archived=archived, search=search)
    return statement(f"SELECT count(*) FROM {full_name(table_of(resource))} t WHERE {' AND '.join(where)}")


def _conditions(
    resource: Resource, filters: tuple[tuple[str, str], ...], *, archived: str, search: bool
) -> tuple[list[str], int]:
    table = table_of(resource)
    where = ["t.tenant_id = $1"]
    used = 1
    for column, operator in filters:
        value, pg = f"t.{quote(column)}", _kind(table, column)[2]
        if operator == "null":
            used += 1
            where.append(f"({value} IS NULL) = ${used}::boolean")
        elif operator == "in":
            used += 1
            where.append(f"{value} = ANY(${used}::{pg}[])")
        else:
            used += 1
            where.append(f"{value} {OPERATORS[operator]} ${used}::{pg}")
    if search and resource.search is not None:
        used += 1
        value = f"t.{quote(resource.search)}"
        # A range in the C collation: the only kind of prefix search that an index serves under row-level security.
        where.append(f"{value} >= core.fold(${used}) AND {value} < core.fold(${used}) || chr(1114111)")
    if "archived_at" in table.c and archived != "include":
        where.append(f't."archived_at" IS {"NOT " if archived == "only" else ""}NULL')
    return where, used


def _audit(resource: Resource, action: str, parameters: dict[str, int], *, before: str, after: str, source: str) -> str:
    """Build the CTEs that note a change and announce it, in the statement that makes it."""
    p = parameters
    event = f"{resource.name}.{past_of(action)}"
    return (
        " audited AS (INSERT INTO core.audit_entries"
        " (tenant_id, id, user_id, request_id, address, resource, object_id, action, before, after)"
        f" SELECT $1, ${p['audit']}::uuid, ${p['user']}::uuid, ${p['request']}::text, ${p['address']}::text,"
        f" '{resource.name}', n.id, '{action}', {before}, {after} FROM {source}),"
        " noted AS (INSERT INTO core.outbox (tenant_id, id, kind, name, payload, user_id, request_id)"
        f" SELECT $1, ${p['outbox']}::uuid, 'event', '{event}', jsonb_build_object('id', n.id, 'version', n.version),"
        f" ${p['user']}::uuid, ${p['request']}::text FROM new n),"
        " pended AS (INSERT INTO core.outbox_pending (tenant_id, id, queue, name)"
        f" SELECT $1, ${p['outbox']}::uuid, '{resource.slug}', '{event}' FROM new n)"
    )


# The parameters that every write starts with, by position.
WRITE = {"tenant": 1, "id": 2, "user": 3, "audit": 4, "outbox": 5, "request": 6, "address": 7}


@lru_cache(maxsize=1024)
def create_statement(resource: Resource, columns: tuple[str, ...], *, answer: bool) -> Statement:
    """Insert one row with its audit and outbox entries: the parameters of ``WRITE``, then the columns in order."""
    table = table_of(resource)
    first = len(WRITE) + 1
    names = ["tenant_id", "id", "created_by", "updated_by", *columns]
    values = ["$1", "$2::uuid", "$3::uuid", "$3::uuid"]
    values += [f"${first + i}::{_kind(table, name)[2]}" for i, name in enumerate(columns)]
    insert = f"INSERT INTO {full_name(table)} ({', '.join(map(quote, names))}) VALUES ({', '.join(values)}) RETURNING *"
    notes = _audit(resource, "create", WRITE, before="NULL", after="to_jsonb(n)", source="new n")
    shown = f"{render(resource, shown_columns(resource))}::text, t.version" if answer else "1"
    return statement(f"WITH new AS ({insert}),{notes} SELECT {shown} FROM new t")


@lru_cache(maxsize=2048)
def change_statement(resource: Resource, action: str, columns: tuple[str, ...], *, answer: bool) -> Statement:
    """Change, archive or restore one row: the parameters of ``WRITE``, the expected version or NULL, then the
    columns.
    """
    table = table_of(resource)
    first = len(WRITE) + 2
    sets = [f"{quote(name)} = ${first + i}::{_kind(table, name)[2]}" for i, name in enumerate(columns)]
    sets += ["version = t.version + 1", "updated_at = now()", "updated_by = $3::uuid"]
    if action != "update":
        sets.append(f"archived_at = {'now()' if action == 'archive' else 'NULL'}")
    old = f"SELECT * FROM {full_name(table)} WHERE tenant_id = $1 AND id = $2::uuid FOR UPDATE"
    version = f"${first - 1}::bigint"
    fresh = f"({version} IS NULL OR o.version = {version} OR core.refuse('stale_version', '{{}}'::jsonb))"
    change = (
        f"UPDATE {full_name(table)} t SET {', '.join(sets)} FROM old o"
        f" WHERE t.tenant_id = $1 AND t.id = $2::uuid AND o.id = t.id AND {fresh} RETURNING t.*"
    )
    notes = _audit(resource, action, WRITE, before="to_jsonb(o)", after="to_jsonb(n)", source="new n, old o")
    shown = f"{render(resource, shown_columns(resource))}::text, t.version" if answer else "1"
    return statement(f"WITH old AS ({old}), new AS ({change}),{notes} SELECT {shown} FROM new t")


@lru_cache(maxsize=64)
def sensitive_read_statement() -> Statement:
    """Note that somebody read an object whose reads are noted."""
    return statement(
        "INSERT INTO core.audit_entries (tenant_id, id, user_id, request_id, address, resource, object_id, action)"
        " VALUES ($1, $2::uuid, $3::uuid, $4::text, $5::text, $6::text, $7::uuid, $8::text)"
    )


@lru_cache(maxsize=512)
def exists_statement(resource: Resource) -> Statement:
    """Refuse with ``not_found`` when there is no such row: ``$1`` tenant, ``$2`` id, ``$3`` the facts to give."""
    there = f"EXISTS (SELECT FROM {full_name(table_of(resource))} t WHERE t.tenant_id = $1 AND t.id = $2::uuid)"
    return statement(f"SELECT {there} OR core.refuse('not_found', $3::jsonb)")
