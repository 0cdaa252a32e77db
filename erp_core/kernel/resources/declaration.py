"""A resource: one object's whole API, declared as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec

from erp_core.kernel.context import Context
from erp_core.kernel.database.model import MutableRow, TenantRow
from erp_core.kernel.errors import Problem
from erp_core.kernel.plugins.manifest import Label

EVERYTHING = frozenset({"list", "read", "create", "update", "archive", "import", "export"})
READ_ONLY = frozenset({"list", "read", "export"})
# Shown on every object besides what the declaration names, where the model has them.
ALWAYS = ("id", "version", "created_at", "updated_at", "archived_at")

Prepare = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Resource:
    """Everything the platform needs to serve one object.

    ``name`` is ``<slug>.<plural>``: it gives the address ``/api/v1/<slug>/<plural>`` and the permissions
    ``<name>.read``, ``.create``, ``.update``, ``.archive``, ``.import`` and ``.export``.

    ``create`` is the struct of the body (its field names are columns); a change takes the same fields, each optional,
    but for those in ``fixed``. ``read`` names the columns that a reader sees. ``filters`` and ``sorts`` name columns;
    each must be first after ``tenant_id`` in some index (conformance checks it), and a sorted column must be NOT
    NULL. ``sort_by`` sorts a column through another one, such as ``{"name": "name_key"}``. ``search`` is a ``folded``
    column served to ``q=``. ``references`` tells what a column points at, for ``include=`` (the column
    without ``_id``) and for errors;
    ``lookups`` tells by which natural key of the target an imported cell names it (``{"unit_id": "code"}``).

    ``prepare`` is pure: it gets the fields that were sent and gives the columns to store, or raises a ``Problem``.
    ``create_with``, ``update_with`` and ``archive_with`` name services that carry the write when a plain insert or
    update is not enough; they run in a unit of work, get what was sent without ``prepare``, and change rows through the
    session, which audits and announces them. ``refusals`` gives a database constraint the words of the trade:
    ``{"ex_price_rules_validity": PriceRuleOverlap}``. ``sensitive`` logs reads as well.
    """

    name: str
    model: type[MutableRow | TenantRow]
    label: Label
    plural: Label
    read: tuple[str, ...]
    create: type[msgspec.Struct] | None = None
    fixed: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    sorts: tuple[str, ...] = ("created_at",)
    sort_by: Mapping[str, str] = field(default_factory=dict)
    default_sort: str = "-created_at"
    search: str | None = None
    references: Mapping[str, str] = field(default_factory=dict)
    lookups: Mapping[str, str] = field(default_factory=dict)
    prepare: Prepare | None = None
    create_with: Callable[[Context, msgspec.Struct], UUID] | None = None
    update_with: Callable[[Context, UUID, dict[str, Any]], None] | None = None
    archive_with: Callable[[Context, UUID], None] | None = None
    refusals: Mapping[str, type[Problem]] = field(default_factory=dict)
    operations: frozenset[str] = EVERYTHING
    sensitive: bool = False

    @property
    def slug(self) -> str:
        return self.name.partition(".")[0]

    @property
    def plural_name(self) -> str:
        return self.name.partition(".")[2]

    @property
    def path(self) -> str:
        return f"/api/v1/{self.slug}/{self.plural_name}"

    def permission(self, operation: str) -> str:
        """Give the permission of an operation; a list needs the same as a read."""
        return f"{self.name}.{'read' if operation == 'list' else operation}"

    def permissions(self) -> frozenset[str]:
        return frozenset(self.permission(operation) for operation in self.operations)
