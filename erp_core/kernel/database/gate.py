"""The rules for data, checked from the system catalogue: in the tests, in `erp doctor` and in the conformance suite."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import psycopg

from erp_core.kernel.database import gate_keys, gate_objects, gate_security
from erp_core.kernel.database.gate_catalogue import Catalogue, Fault, read_catalogue
from erp_core.kernel.database.global_tables import GLOBAL_TABLES

Rule = Callable[[Catalogue], list[Fault]]

RULES: Mapping[str, Rule] = {
    "tenant_column": gate_keys.tenant_column,
    "tenant_first": gate_keys.tenant_first,
    "foreign_key": gate_keys.foreign_keys,
    "row_security": gate_security.row_security,
    "policies": gate_security.policies,
    "set_config": gate_security.set_config,
    "ownership": gate_security.ownership,
    "grants": gate_security.grants,
    "roles": gate_security.roles,
    "table_objects": gate_objects.table_objects,
    "schema_objects": gate_objects.schema_objects,
    "views": gate_objects.views,
    "functions": gate_objects.functions,
    "collation": gate_objects.collations,
    "extensions": gate_objects.extensions,
}


def check_catalogue(
    conn: psycopg.Connection[Any],
    schemas: Sequence[str],
    allow_list: Mapping[str, str] = GLOBAL_TABLES,
) -> list[Fault]:
    """Check every table and everything beside it in ``schemas``; gives the faults, in the order of the rules.

    ``allow_list`` names the global tables with their reasons. A fault with ``warning`` is one that a managed server may
    not let anybody correct.
    """
    catalogue = read_catalogue(conn, schemas, allow_list)
    return [fault for rule in RULES.values() for fault in rule(catalogue)]
