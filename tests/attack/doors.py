"""Every address that the installed packages serve, read from their declarations, so that a new one is attacked too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec

from erp_core.app import compose
from erp_core.kernel.application import Addresses, Application
from erp_core.kernel.http.bulk import Bulk
from erp_core.kernel.http.everyday import EverydayRoute
from erp_core.kernel.http.routing import PUBLIC, SIGNED_IN, Route
from erp_core.kernel.resources.bodies import changes_struct
from erp_core.kernel.resources.declaration import Resource
from erp_core.kernel.settings import Settings
from erp_core.testing.environment import installed_plugins

# What the kernel serves beside the declarations: path and permission.
PLATFORM = {
    "/health": PUBLIC,
    "/health/live": PUBLIC,
    "/health/ready": PUBLIC,
    "/openapi.json": PUBLIC,
    "/docs": PUBLIC,
    "/docs/{name}": PUBLIC,
    "/api/v1/meta": SIGNED_IN,
}


@dataclass(frozen=True, slots=True, eq=False)
class Door:
    """One method of one address; ``operation`` is what it does, ``body`` the struct that it takes."""

    method: str
    path: str
    permission: str
    operation: str
    body: Any = None
    query: type[msgspec.Struct] | None = None
    resource: Resource | None = None
    route: Route | EverydayRoute | None = None

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def parameters(self) -> list[str]:
        return re.findall(r"\{(\w+)\}", self.path)

    def address(self, **values: object) -> str:
        """Fill the path's parameters in."""
        return self.path.format_map({name: values[name] for name in self.parameters})


@lru_cache(maxsize=1)
def declared() -> Application:
    """Compose the application from declarations alone: no server is asked."""
    nowhere = Addresses("", None, None, "", b"", lambda _: "")
    return compose(Settings(), installed_plugins(), nowhere)


@lru_cache(maxsize=1)
def every_door() -> tuple[Door, ...]:
    """List every door of all installed packages and of the platform."""
    application = declared()
    doors = [Door("GET", path, permission, "platform") for path, permission in PLATFORM.items()]
    for resource in application.resources.values():
        doors += _resource_doors(resource)
    for slug, route in application.routes:
        doors.append(_route_door(slug, route))
    return tuple(doors)


def _resource_doors(resource: Resource) -> Iterator[Door]:
    one = f"{resource.path}/{{object_id}}"
    changes = changes_struct(resource) if resource.create is not None else None
    table: list[tuple[str, str, str, str, Any]] = [
        ("list", "list", "GET", resource.path, None),
        ("read", "read", "GET", one, None),
        ("create", "create", "POST", resource.path, resource.create),
        ("bulk", "create", "POST", f"{resource.path}/bulk", Bulk),
        ("update", "update", "PATCH", one, changes),
        ("archive", "archive", "DELETE", one, None),
        ("restore", "archive", "POST", f"{one}/restore", None),
        ("export", "export", "GET", f"{resource.path}/export", None),
        ("import", "import", "POST", f"{resource.path}/import", None),
    ]
    for operation, needed, method, path, body in table:
        if needed in resource.operations:
            yield Door(method, path, resource.permission(needed), operation, body, resource=resource)


def _route_door(slug: str, route: Route | EverydayRoute) -> Door:
    own = route.path if route.path.startswith("/.well-known/") else f"/api/v1/{slug}{route.path}"
    path = re.sub(r"\{(\w+):\w+\}", r"{\1}", own)
    everyday = isinstance(route, EverydayRoute)
    body = route.data if everyday else route.body()
    query = None if everyday else route.query()
    return Door(route.method, path, route.permission, route.name, body, query, route=route)


def own_resources() -> list[Resource]:
    """List every resource of all installed packages."""
    return list(declared().resources.values())


def writable_references() -> list[tuple[Resource, str]]:
    """List the columns through which a body can point at another object."""
    return [
        (resource, column)
        for resource in own_resources()
        for column in resource.references
        if resource.create is not None and column in resource.create.__struct_fields__
    ]


def name_of(value: Any) -> str:
    """Name a parameter of a test after the door, resource or pair that it is."""
    return value.name if isinstance(value, (Door, Resource)) else str(value)
