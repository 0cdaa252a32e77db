"""Whether the models and the migrated tables say the same."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import MetaData, Table

_COLUMNS = """
SELECT n.nspname || '.' || c.relname || '.' || a.attname, a.attgenerated <> '', o.collname
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_collation o ON o.oid = a.attcollation
WHERE n.nspname = ANY(:schemas) AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p')
"""

_CONSTRAINTS = """
SELECT n.nspname || '.' || c.relname,
       k.conname || CASE WHEN k.contype = 'p' THEN ' (' || (
         SELECT string_agg(a.attname, ', ' ORDER BY u.position)
         FROM unnest(k.conkey) WITH ORDINALITY u(number, position)
         JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number) || ')' ELSE '' END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype IN ('p', 'c', 'x', 'f', 'u')
WHERE n.nspname = ANY(:schemas) AND c.relkind IN ('r', 'p') AND c.relname <> 'alembic_version'
"""


def drift(connection: sa.Connection, metadata: MetaData, schemas: Sequence[str]) -> list[str]:
    """List every difference between the models of ``schemas`` and their tables; empty when there is none.

    Compared are tables, columns, types, nullability, defaults, indexes, the names of all constraints, the columns of
    primary keys, collations, and whether a column is generated (not by what).
    """
    tables = [table for table in metadata.tables.values() if table.schema in schemas]
    differences = [text for entry in _compared(connection, metadata, schemas) for text in _sentences(entry)]
    differences += _constraints(connection, tables, schemas)
    differences += _columns(connection, tables, schemas)
    return sorted(set(differences))


def _compared(connection: sa.Connection, metadata: MetaData, schemas: Sequence[str]) -> list[Any]:
    def include(name: str | None, kind: str, _parents: Any) -> bool:
        if kind == "schema":
            return name in schemas
        return kind != "table" or name != "alembic_version"

    def include_object(thing: Any, _name: str | None, kind: str, *_others: Any) -> bool:
        return kind != "table" or thing.schema in schemas

    options = {
        "include_schemas": True,
        "include_name": include,
        "include_object": include_object,
        "compare_type": True,
        "compare_server_default": True,
    }
    with warnings.catch_warnings():
        # PostgreSQL prints a generated column's expression in its own words, which Alembic warns of each time.
        warnings.filterwarnings("ignore", message="Computed default on")
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


def _sentences(entry: Any) -> Iterable[str]:
    """Put one of Alembic's differences into words; those of one column come as a list."""
    if isinstance(entry, list):
        for change in entry:
            kind, schema, table, column, _, was, wanted = change
            what = kind.removeprefix("modify_")
            yield f"{schema}.{table}.{column}: its {what} is {_shown(was)} and the model says {_shown(wanted)}"
        return
    kind, *things = entry
    thing = things[-1]
    if isinstance(thing, Table):
        where = thing.fullname
    else:
        where = f"{things[0]}.{things[1]}.{thing.name}" if len(things) > 1 else f"{thing.table.fullname}.{thing.name}"
    verb, _, what = kind.partition("_")
    yield f"{where}: the {what} is only in the {'model' if verb == 'add' else 'database'}"


def _shown(value: Any) -> str:
    """Show a type, a default or a truth value as SQL would."""
    return str(getattr(value, "arg", value))


def _constraints(connection: sa.Connection, tables: list[Table], schemas: Sequence[str]) -> list[str]:
    found: dict[str, set[str]] = {}
    for table, name in connection.execute(sa.text(_CONSTRAINTS), {"schemas": list(schemas)}):
        found.setdefault(table, set()).update([name] if name is not None else [])
    differences = []
    for table in tables:
        if table.fullname in found:
            wanted = _names(connection, table)
            missing, extra = wanted - found[table.fullname], found[table.fullname] - wanted
            differences += [f"{table.fullname}: the constraint {name} is only in the model" for name in missing]
            differences += [f"{table.fullname}: the constraint {name} is only in the database" for name in extra]
    return differences


def _names(connection: sa.Connection, table: Table) -> set[str]:
    preparer = connection.dialect.identifier_preparer
    names = set()
    for constraint in table.constraints:
        name = preparer.format_constraint(constraint)
        if name is None:
            continue
        text = name.strip('"')
        if isinstance(constraint, sa.PrimaryKeyConstraint):
            text += f" ({', '.join(column.name for column in constraint.columns)})"
        names.add(text)
    return names


def _columns(connection: sa.Connection, tables: list[Table], schemas: Sequence[str]) -> list[str]:
    rows = connection.execute(sa.text(_COLUMNS), {"schemas": list(schemas)})
    found = {name: (generated, collation) for name, generated, collation in rows}
    differences = []
    for column in (column for table in tables for column in table.columns):
        name = f"{column.table.fullname}.{column.name}"
        generated, collation = found.get(name, (None, None))
        if generated is not None and generated != (column.computed is not None):
            differences.append(f"{name}: only {'the database' if generated else 'the model'} generates it")
        wanted = getattr(column.type, "collation", None)
        if collation is not None and wanted is not None and collation != wanted:
            differences.append(f"{name}: its collation is {collation} and the model says {wanted}")
    return differences
