"""Rules 1 and 2: the tenant comes first in every key, and every reference stays inside it."""

from __future__ import annotations

from erp_core.kernel.database.gate_catalogue import Catalogue, Fault

_TENANT_COLUMNS = """
SELECT t.name, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.atthasdef
FROM unnest(%s::text[]) t(name)
LEFT JOIN pg_attribute a ON a.attrelid = t.name::regclass AND a.attname = 'tenant_id' AND NOT a.attisdropped
"""

_INDEXES = """
SELECT t.name, c.relname, i.indisprimary, i.indisunique,
       (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = i.indkey[0])
FROM unnest(%s::text[]) t(name)
LEFT JOIN pg_index i ON i.indrelid = t.name::regclass
LEFT JOIN pg_class c ON c.oid = i.indexrelid
ORDER BY 1, 2
"""

_FOREIGN_KEYS = """
SELECT t.name, k.conname, k.confrelid::regclass::text, k.confdeltype::text, k.confupdtype::text,
       (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = k.conrelid AND a.attnum = k.conkey[1]),
       (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = k.confrelid AND a.attnum = k.confkey[1]),
       EXISTS (SELECT FROM pg_attribute a
               WHERE a.attrelid = k.confrelid AND a.attname = 'tenant_id' AND NOT a.attisdropped)
FROM unnest(%s::text[]) t(name)
JOIN pg_constraint k ON k.conrelid = t.name::regclass AND k.contype = 'f'
ORDER BY 1, 2
"""

_ON_DELETE = {"a": "NO ACTION", "n": "SET NULL", "d": "SET DEFAULT"}


def tenant_column(catalogue: Catalogue) -> list[Fault]:
    """Check that ``tenant_id`` is there, a uuid, never null and without a default."""
    remedy = "Start the table with tenant_columns(), or put it on the list of global tables with a reason."
    faults = []
    for table, kind, not_null, has_default in catalogue.of_tenants(_TENANT_COLUMNS):
        checks = [
            (kind is None, "has no column tenant_id"),
            (kind not in {None, "uuid"}, f"has tenant_id as {kind} instead of uuid"),
            (kind is not None and not not_null, "lets tenant_id be null"),
            (bool(has_default), "gives tenant_id a default"),
        ]
        faults += [Fault("tenant_column", table, what, remedy) for wrong, what in checks if wrong]
    return faults


def tenant_first(catalogue: Catalogue) -> list[Fault]:
    """Check that there is a primary key and that it, and every index, starts with ``tenant_id``."""
    faults: list[Fault] = []
    rows = catalogue.of_tenants(_INDEXES)
    keyed = {table for table, _, primary, _, _ in rows if primary}
    keyless = [table for table in catalogue.tenant_tables if table not in keyed]
    faults += [Fault("tenant_first", table, "has no primary key", "Make it (tenant_id, id).") for table in keyless]
    for table, index, primary, unique, first in rows:
        if index is not None and first != "tenant_id":
            kind = "primary key" if primary else "unique key" if unique else "index"
            what = f"has the {kind} {index} that starts with {first or 'an expression'}"
            faults.append(Fault("tenant_first", table, what, f"Put tenant_id first in {index}."))
    return faults


def foreign_keys(catalogue: Catalogue) -> list[Fault]:
    """Check that references are composite, in the same order on both sides, and never change the row that refers."""
    faults = []
    for table, key, target, on_delete, on_update, own, other, target_has_tenant in catalogue.of_tenants(_FOREIGN_KEYS):
        if target_has_tenant and (own, other) != ("tenant_id", "tenant_id"):
            what = f"has the foreign key {key} to {target} without tenant_id first on both sides"
            faults.append(Fault("foreign_key", table, what, f"Refer to {target} (tenant_id, id) with reference()."))
        if on_delete in _ON_DELETE:
            what = f"has the foreign key {key} ON DELETE {_ON_DELETE[on_delete]}"
            faults.append(Fault("foreign_key", table, what, "Say ON DELETE RESTRICT or CASCADE."))
        if on_update not in {"a", "r"}:
            what = f"has the foreign key {key} with ON UPDATE"
            faults.append(Fault("foreign_key", table, what, "Leave ON UPDATE out."))
    return faults
