"""Rules 3 to 5: the database keeps the tenants apart, and nobody who serves may undo that."""

from __future__ import annotations

from erp_core.kernel.database.gate_catalogue import Catalogue, Fault
from erp_core.kernel.database.policies import CONDITION_IN_CATALOGUE
from erp_core.kernel.database.roles import OWNER

_ROW_SECURITY = """
SELECT t.name, c.relrowsecurity, c.relforcerowsecurity
FROM unnest(%s::text[]) t(name) JOIN pg_class c ON c.oid = t.name::regclass
"""

_POLICIES = """
SELECT t.name, p.polname, p.polpermissive, p.polcmd = '*' AND p.polroles = ARRAY[0::oid],
       pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)
FROM unnest(%s::text[]) t(name) JOIN pg_policy p ON p.polrelid = t.name::regclass ORDER BY 1, 2
"""

_OWNERS = """
SELECT n.nspname || '.' || c.relname, pg_get_userbyid(c.relowner)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY(%s) AND c.relkind IN ('r', 'p', 'v', 'm', 'S') ORDER BY 1
"""

_TABLE_GRANTS = """
SELECT n.nspname || '.' || c.relname, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END,
       a.privilege_type
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) a
WHERE n.nspname = ANY(%s) AND c.relkind IN ('r', 'p', 'v', 'm')
  AND (a.grantee = 0 OR (pg_get_userbyid(a.grantee) ~ '^erp_app(_|$)'
       AND a.privilege_type NOT IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')))
ORDER BY 1, 2, 3
"""

_SCHEMA_GRANTS = """
SELECT n.nspname, r.rolname FROM pg_namespace n, pg_roles r
WHERE n.nspname = ANY(%s::text[] || 'public'::text) AND r.rolname ~ '^erp_app(_|$)'
  AND has_schema_privilege(r.oid, n.oid, 'CREATE') ORDER BY 1, 2
"""

_ROLES = """
SELECT r.rolname, r.rolsuper, r.rolbypassrls, r.rolcreaterole OR r.rolcreatedb,
       EXISTS (SELECT FROM pg_roles o WHERE o.rolname = 'erp_owner' AND pg_has_role(r.oid, o.oid, 'MEMBER')),
       has_database_privilege(r.oid, current_database(), 'CREATE'),
       has_database_privilege(r.oid, current_database(), 'TEMP')
FROM pg_roles r WHERE r.rolname ~ '^erp_app(_|$)' ORDER BY 1
"""

_SET_CONFIG = """
SELECT rolname FROM pg_roles WHERE rolname ~ '^erp_app(_|$)'
  AND has_function_privilege(oid, 'pg_catalog.set_config(text,text,boolean)', 'EXECUTE') ORDER BY 1
"""


def row_security(catalogue: Catalogue) -> list[Fault]:
    """Check that row-level security is on, for the owner too."""
    faults = []
    for table, enabled, forced in catalogue.of_tenants(_ROW_SECURITY):
        remedy = "Call protect() in the revision that creates the table."
        if not enabled:
            faults.append(Fault("row_security", table, "does not enable row-level security", remedy))
        if not forced:
            faults.append(Fault("row_security", table, "does not force row-level security on its owner", remedy))
    return faults


def policies(catalogue: Catalogue) -> list[Fault]:
    """Check that there are exactly the two policies of the generator, word for word."""
    remedy = "Drop it and leave the policies to protect()."
    faults = []
    found: dict[str, list[bool]] = {table: [] for table in catalogue.tenant_tables}
    for table, policy, permissive, for_everybody, using, check in catalogue.of_tenants(_POLICIES):
        exact = for_everybody and using == check == CONDITION_IN_CATALOGUE
        if exact and permissive not in found[table]:
            found[table].append(permissive)
        else:
            what = f"has the policy {policy}, which is not one of the generator's"
            faults.append(Fault("policies", table, what, remedy))
    for table, kinds in found.items():
        for permissive, kind in ((True, "permissive"), (False, "restrictive")):
            if permissive not in kinds:
                what = f"lacks the {kind} policy on its tenant"
                faults.append(Fault("policies", table, what, "Call protect() in the revision that creates the table."))
    return faults


def set_config(catalogue: Catalogue) -> list[Fault]:
    """Check that no serving role may call ``set_config``, with which a query could change its tenant."""
    remedy = "As a superuser: REVOKE EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) FROM PUBLIC."
    rows = catalogue.conn.execute(_SET_CONFIG).fetchall()
    what = "may be called by the role"
    return [Fault("set_config", "pg_catalog.set_config", f"{what} {role}", remedy, warning=True) for (role,) in rows]


def ownership(catalogue: Catalogue) -> list[Fault]:
    """Check that everything belongs to the owner that cannot log in."""
    return [
        Fault("ownership", name, f"belongs to {owner}", f"ALTER TABLE {name} OWNER TO {OWNER}.")
        for name, owner in catalogue.of_schemas(_OWNERS)
        if owner != OWNER
    ]


def grants(catalogue: Catalogue) -> list[Fault]:
    """Check that serving roles read and write rows and do nothing else, and that PUBLIC has nothing."""
    faults = [
        Fault("grants", table, f"gives {role} the privilege {privilege}", f"REVOKE {privilege} ON {table} FROM {role}.")
        for table, role, privilege in catalogue.of_schemas(_TABLE_GRANTS)
    ]
    for schema, role in catalogue.of_schemas(_SCHEMA_GRANTS):
        remedy = f"REVOKE CREATE ON SCHEMA {schema} FROM {role} and from PUBLIC."
        faults.append(Fault("grants", schema, f"lets {role} create tables", remedy))
    return faults


def roles(catalogue: Catalogue) -> list[Fault]:
    """Check that no serving role is more than it should be."""
    faults = []
    for role, superuser, bypasses, creates, owner, create, temporary in catalogue.conn.execute(_ROLES).fetchall():
        checks = [
            (superuser, "is a superuser", f"ALTER ROLE {role} NOSUPERUSER."),
            (bypasses, "bypasses row-level security", f"ALTER ROLE {role} NOBYPASSRLS."),
            (creates, "may create roles or databases", f"ALTER ROLE {role} NOCREATEROLE NOCREATEDB."),
            (owner and not superuser, f"may become {OWNER}", f"REVOKE {OWNER} FROM {role}."),
            (create, "may create schemas in the database", "Revoke CREATE on the database from it and from PUBLIC."),
            (temporary, "may create temporary tables", "Revoke TEMPORARY on the database from it and from PUBLIC."),
        ]
        faults += [Fault("roles", role, what, remedy) for wrong, what, remedy in checks if wrong]
    return faults
