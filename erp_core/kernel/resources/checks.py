"""Checks of declarations at start-up: what is not declared soundly is not served."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from erp_core.kernel.errors import clashing_codes
from erp_core.kernel.http.everyday import EverydayRoute
from erp_core.kernel.http.routing import PUBLIC, SIGNED_IN, Route
from erp_core.kernel.resources.declaration import ALWAYS, EVERYTHING, Resource
from erp_core.kernel.resources.sql import kind_of, table_of
from erp_core.kernel.tasks.declaration import Schedule, Task
from erp_core.kernel.tasks.moments import schedule_faults

Fault = tuple[str, str, str]
# Comparisons of these kinds are not leakproof, so no index would serve them under row-level security.
_UNSERVED = frozenset({"decimal", "json", "list"})


def check_declarations(
    resources: Sequence[tuple[str, Resource]],
    routes: Sequence[tuple[str, Route | EverydayRoute]],
    tasks: Mapping[str, Task],
    schedules: Mapping[str, Schedule],
) -> list[Fault]:
    """List every fault as slug, what it is about, and a sentence."""
    faults: list[Fault] = []
    known = {resource.name for _, resource in resources}
    for slug, resource in resources:
        faults += [(slug, resource.name, why) for why in _resource_faults(slug, resource, known)]
    names = [resource.name for _, resource in resources]
    faults += [("core", name, "Two packages declare it.") for name in sorted({n for n in names if names.count(n) > 1})]
    for slug, route in routes:
        if route.permission not in {PUBLIC, SIGNED_IN} and not route.permission.startswith(f"{slug}."):
            faults.append((slug, route.path, f"Its permission {route.permission} does not begin with {slug}."))
    for code, kinds in clashing_codes().items():
        where = " and ".join(sorted(kind.__module__ for kind in kinds))
        faults.append(("core", f"problem {code}", f"Two packages give this code to different refusals: {where}."))
    for name, schedule in schedules.items():
        faults += [(name.partition(".")[0], name, why) for why in schedule_faults(schedule, tasks)]
    return faults


def _resource_faults(slug: str, resource: Resource, known: set[str]) -> list[str]:
    table = table_of(resource)
    missing = [name for name in (*resource.read, *resource.filters, *_sorted(resource)) if name not in table.c]
    if missing:
        return [f"The table {table.fullname} has no column {name}." for name in missing]
    faults = [] if resource.slug == slug else [f"Its name does not begin with {slug}."]
    faults += [f"{operation} is not an operation." for operation in sorted(resource.operations - EVERYTHING)]
    faults += [
        f"A list cannot filter by {name}: its kind is {kind_of(table, name)}."
        for name in resource.filters
        if kind_of(table, name) in _UNSERVED
    ]
    faults += [f"A list cannot sort by {name}: it may be NULL." for name in _sorted(resource) if table.c[name].nullable]
    faults += [
        f"It refers to {target}, which nobody declares."
        for target in resource.references.values()
        if target not in known
    ]
    if resource.default_sort.removeprefix("-") not in resource.sorts:
        faults.append(f"Its default sort {resource.default_sort} is not among its sorts.")
    if resource.create is None and resource.operations & {"create", "update", "import"}:
        faults.append("It has writes but no struct for their bodies.")
    if resource.create is not None:
        unknown = [
            name for name in resource.create.__struct_fields__ if name not in table.c and resource.prepare is None
        ]
        faults += [f"Its body has {name}, which is no column." for name in unknown]
        faults += [
            f"Its body sets {name}, which the platform sets."
            for name in resource.create.__struct_fields__
            if name in (*ALWAYS, "tenant_id")
        ]
    return faults


def _sorted(resource: Resource) -> list[str]:
    return [resource.sort_by.get(name, name) for name in resource.sorts]
