"""What a screen needs to know of the resources: labels, fields, relations, actions; only what the caller may see."""

from __future__ import annotations

from typing import Any, get_type_hints

from erp_core.kernel.application import Application
from erp_core.kernel.context import Actor
from erp_core.kernel.http.routing import address_of
from erp_core.kernel.resources.declaration import Resource
from erp_core.kernel.resources.sql import kind_of, shown_columns, table_of

PLATFORM_FIELDS = ("id", "version", "created_at", "updated_at", "archived_at")


def describe(application: Application, actor: Actor, language: str) -> dict[str, Any]:
    """Describe every resource that the actor may read."""
    shown = [
        describe_resource(application, resource, actor, language)
        for resource in application.resources.values()
        if resource.permission("read") in actor.permissions
    ]
    packages = [
        {"slug": plugin.slug, "label": plugin.manifest.label.text(language), "version": plugin.manifest.version}
        for plugin in application.plugins.enabled
    ]
    return {"language": language, "packages": packages, "resources": shown}


def describe_resource(application: Application, resource: Resource, actor: Actor, language: str) -> dict[str, Any]:
    """Describe one resource with what the actor may do to it."""
    allowed = sorted(op for op in resource.operations if resource.permission(op) in actor.permissions)
    actions = [
        {"method": route.method, "path": address_of(slug, route.path), "permission": route.permission}
        for slug, route in application.routes
        if route.permission.startswith(f"{resource.name}.") and route.permission in actor.permissions
    ]
    return {
        "name": resource.name,
        "path": resource.path,
        "label": resource.label.text(language),
        "plural": resource.plural.text(language),
        "operations": allowed,
        "fields": [_field(application, resource, name, language) for name in shown_columns(resource)],
        "search": resource.search is not None,
        "default_sort": resource.default_sort,
        "actions": actions,
    }


def field_key(resource: Resource, name: str) -> str:
    """Give the catalogue key of a field's label."""
    return f"platform.{name}" if name in PLATFORM_FIELDS else f"{resource.name}.{name}"


def _field(application: Application, resource: Resource, name: str, language: str) -> dict[str, Any]:
    table = table_of(resource)
    writable = resource.create is not None and name in get_type_hints(resource.create)
    described: dict[str, Any] = {
        "name": name,
        "kind": kind_of(table, name),
        "label": application.catalogues.text(field_key(resource, name), language),
        "required": writable and resource.create is not None and name in _required(resource),
        "writable": writable,
        "fixed": name in resource.fixed,
        "filter": name in resource.filters,
        "sort": name in resource.sorts,
    }
    if name in resource.references:
        described["references"] = resource.references[name]
    return described


def _required(resource: Resource) -> set[str]:
    if resource.create is None:
        return set()
    names = resource.create.__struct_fields__
    defaults = resource.create.__struct_defaults__
    return set(names[: len(names) - len(defaults)])
