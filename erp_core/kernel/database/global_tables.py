"""The tables that belong to no tenant, each with the reason; every other table is checked as a tenant table."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

GLOBAL_TABLES: Mapping[str, str] = {
    "*.alembic_version": "One line for each package: the revision that its schemas are at.",
    "auth.tenants": "The list of tenants itself.",
    "auth.users": "Users are people, and one may belong to several tenants.",
    "auth.memberships": "Sign-in looks a person's tenants up before one is chosen.",
    "auth.sessions": "A session is a person's and outlives a switch of tenant; it is found by its id alone.",
    "auth.refresh_tokens": "A token is found by its hash before anything else is known.",
    "auth.signing_keys": "The core's own keys; every process verifies with them.",
    "auth.revocations": "Every process follows all of them, whatever tenants it serves.",
    "auth.login_throttles": "Counts failed sign-ins, of which nobody knows whose they are.",
    "core.applied_revisions": "The source of the migrations; the same for everybody.",
    "core.countries": "A table of the world, the same for everybody.",
    "core.currencies": "A table of the world, the same for everybody.",
    "core.outbox_pending": "Ids that one relay takes for all tenants; the payload stays in the tenant's outbox.",
    "core.schedules": "When a schedule last fired; it fires once for all tenants.",
}


def is_global(table: str, allow_list: Mapping[str, str] = GLOBAL_TABLES) -> bool:
    """Say whether ``schema.table`` is on the list."""
    return table in allow_list or any(fnmatchcase(table, pattern) for pattern in allow_list if "*" in pattern)
