"""Rules 6, 7 and 10: nothing acts behind the services' back, and indexes can be used under row-level security."""

from __future__ import annotations

from erp_core.kernel.database.gate_catalogue import Catalogue, Fault
from erp_core.kernel.database.roles import EXTENSIONS

# Functions that run with their owner's rights, each with the reason why it must.
DEFINER_FUNCTIONS: dict[str, str] = {}

_TRIGGERS = """
SELECT t.name, 'the trigger ' || g.tgname FROM unnest(%s::text[]) t(name)
JOIN pg_trigger g ON g.tgrelid = t.name::regclass AND NOT g.tgisinternal ORDER BY 1, 2
"""

_RULES = """
SELECT t.name, 'the rule ' || r.rulename FROM unnest(%s::text[]) t(name)
JOIN pg_rewrite r ON r.ev_class = t.name::regclass ORDER BY 1, 2
"""

_IDENTITIES = """
SELECT t.name, 'the identity column ' || a.attname FROM unnest(%s::text[]) t(name)
JOIN pg_attribute a ON a.attrelid = t.name::regclass AND a.attidentity <> '' AND NOT a.attisdropped ORDER BY 1, 2
"""

_OBJECTS = """
SELECT n.nspname || '.' || c.relname,
       CASE c.relkind WHEN 'm' THEN 'a materialized view' WHEN 'S' THEN 'a sequence' ELSE 'a foreign table' END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY(%s) AND c.relkind IN ('m', 'S', 'f') ORDER BY 1
"""

_VIEWS = """
SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY(%s) AND c.relkind = 'v'
  AND NOT coalesce((SELECT o.option_value::boolean FROM pg_options_to_table(c.reloptions) o
                    WHERE o.option_name = 'security_invoker'), false)
ORDER BY 1
"""

_FUNCTIONS = """
SELECT n.nspname || '.' || p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = ANY(%s) AND p.prosecdef ORDER BY 1
"""

_COLLATIONS = """
SELECT t.name, x.relname, a.attname
FROM unnest(%s::text[]) t(name)
JOIN pg_index i ON i.indrelid = t.name::regclass
JOIN pg_class x ON x.oid = i.indexrelid
JOIN pg_am m ON m.oid = x.relam AND m.amname = 'btree'
CROSS JOIN generate_series(0, i.indnkeyatts - 1) k(n)
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k.n]
JOIN pg_collation o ON o.oid = i.indcollation[k.n] AND o.collname NOT IN ('C', 'POSIX')
ORDER BY 1, 2, 3
"""

_EXTENSIONS = "SELECT extname FROM pg_extension WHERE extname <> ALL(%s) ORDER BY 1"


def table_objects(catalogue: Catalogue) -> list[Fault]:
    """Check that no trigger, rule or identity column acts on a tenant table by itself."""
    remedy = "Drop it; invariants live in constraints and in the service that owns the row."
    rows = [row for query in (_TRIGGERS, _RULES, _IDENTITIES) for row in catalogue.of_tenants(query)]
    return [Fault("table_objects", table, f"has {thing}", remedy) for table, thing in rows]


def schema_objects(catalogue: Catalogue) -> list[Fault]:
    """Check that there is no materialized view, which has no policies, and no sequence, which counts all tenants."""
    remedy = "Drop it; ids are made by the application and numbers by the core's numbering."
    return [Fault("schema_objects", name, f"is {kind}", remedy) for name, kind in catalogue.of_schemas(_OBJECTS)]


def views(catalogue: Catalogue) -> list[Fault]:
    """Check that views read with the rights of whoever asks."""
    what = "is a view that reads with its owner's rights"
    return [
        Fault("views", name, what, f"ALTER VIEW {name} SET (security_invoker = true).")
        for (name,) in catalogue.of_schemas(_VIEWS)
    ]


def functions(catalogue: Catalogue) -> list[Fault]:
    """Check that no function lends its owner's rights, but for those that say why."""
    what = "is a function that runs with its owner's rights"
    return [
        Fault("functions", name, what, f"ALTER FUNCTION {name} SECURITY INVOKER.")
        for (name,) in catalogue.of_schemas(_FUNCTIONS)
        if name not in DEFINER_FUNCTIONS
    ]


def collations(catalogue: Catalogue) -> list[Fault]:
    """Check that indexed text is compared in the C collation; other comparisons are not leakproof and use no index."""
    return [
        Fault("collation", table, f"has {column} in the index {index} without the C collation", "Use text_c().")
        for table, index, column in catalogue.of_tenants(_COLLATIONS)
    ]


def extensions(catalogue: Catalogue) -> list[Fault]:
    """Check that only the extensions that every supported server has are used."""
    rows = catalogue.conn.execute(_EXTENSIONS, [[*EXTENSIONS, "plpgsql"]]).fetchall()
    remedy = "Drop the extension, or run the database apart from what needs it."
    return [Fault("extensions", name, "is an extension outside the allowed ones", remedy) for (name,) in rows]
