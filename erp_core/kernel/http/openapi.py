"""The OpenAPI 3.1 document, made from the same declarations that serve the requests."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from erp_core.kernel.application import Application
from erp_core.kernel.http.bulk import Bulk
from erp_core.kernel.http.everyday import EverydayRoute
from erp_core.kernel.http.exports import NOT_HERE
from erp_core.kernel.http.imports import JobStarted
from erp_core.kernel.http.routing import PUBLIC, Route, address_of
from erp_core.kernel.resources.bodies import changes_struct
from erp_core.kernel.resources.declaration import Resource
from erp_core.kernel.resources.exports import MEDIA_TYPES
from erp_core.kernel.resources.sql import kind_of, shown_columns, table_of

Json = dict[str, Any]
_TYPES: dict[str, Json] = {
    "text": {"type": "string"},
    "uuid": {"type": "string", "format": "uuid"},
    "integer": {"type": "integer"},
    "decimal": {"type": "string", "pattern": r"^-?\d+(\.\d+)?$", "examples": ["125.50"]},
    "boolean": {"type": "boolean"},
    "moment": {"type": "string", "format": "date-time"},
    "date": {"type": "string", "format": "date"},
    "list": {"type": "array", "items": {"type": "string"}},
    "json": {},
}
PROBLEM: Json = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "pointer": {"type": "string", "description": "JSON pointer of the field that caused it."},
        "request_id": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}
KEY: Json = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
    "description": "Send the same key to repeat the request safely: the first answer comes again.",
}
IF_MATCH: Json = {
    "name": "If-Match",
    "in": "header",
    "schema": {"type": "string"},
    "description": "The ETag that was read; a stale one is refused with 412.",
}


def document(application: Application, slugs: tuple[str, ...]) -> Json:
    """Describe the API of the served packages."""
    writer = _Writer()
    for resource in application.resources.values():
        if resource.slug in slugs:
            writer.add_resource(resource)
    for slug, route in application.routes:
        if slug in slugs:
            writer.add_route(slug, route)
    manifest = application.plugins.enabled[0].manifest
    schemas = dict(sorted({**writer.components(), **writer.schemas, "Problem": PROBLEM}.items()))
    return {
        "openapi": "3.1.0",
        "info": {"title": f"ERP API: {', '.join(slugs)}", "version": manifest.version},
        "security": [{"bearer": []}],
        "paths": dict(sorted(writer.paths.items())),
        "components": {
            "schemas": schemas,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


class _Writer:
    """Collects paths and schemas; structs are described once at the end, so that shared ones stand once."""

    def __init__(self) -> None:
        self.paths: dict[str, Json] = {}
        self.schemas: dict[str, Json] = {}
        self._placeholders: dict[Any, str] = {}

    def components(self) -> dict[str, Json]:
        kinds = list(self._placeholders)
        _, found = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
        return dict(found)

    def ref(self, kind: Any) -> Json:
        """Refer to a struct, or describe a plain type in place."""
        self._placeholders[kind] = getattr(kind, "__name__", str(kind))
        (schema,), _ = msgspec.json.schema_components([kind], ref_template="#/components/schemas/{name}")
        return schema

    def add(self, method: str, path: str, operation: Json) -> None:
        self.paths.setdefault(re.sub(r"\{(\w+):\w+\}", r"{\1}", path), {})[method.lower()] = operation

    def add_resource(self, resource: Resource) -> None:
        name = "".join(part.capitalize() for part in resource.name.replace(".", "_").split("_"))
        self.schemas[name] = _object(resource)
        self.schemas[f"{name}Page"] = _page(name)
        shown, page = {"$ref": f"#/components/schemas/{name}"}, {"$ref": f"#/components/schemas/{name}Page"}
        path, one = resource.path, f"{resource.path}/{{object_id:uuid}}"
        has = resource.operations.__contains__
        if has("list"):
            self.add(
                "GET",
                path,
                _operation(resource, "list", f"List {resource.plural.en}", page, query=_list_parameters(resource)),
            )
        if has("read"):
            self.add(
                "GET",
                one,
                _operation(
                    resource, "read", f"Read one {resource.label.en}", shown, ids=True, query=_READ, also={304: None}
                ),
            )
        if has("create") and resource.create is not None:
            self.add(
                "POST",
                path,
                _operation(
                    resource,
                    "create",
                    f"Create one {resource.label.en}",
                    shown,
                    body=self.ref(resource.create),
                    status=201,
                    headers=[KEY],
                ),
            )
            self.add(
                "POST",
                f"{path}/bulk",
                _operation(
                    resource,
                    "bulk",
                    f"Write many {resource.plural.en}",
                    {},
                    body=self.ref(Bulk),
                    headers=[KEY],
                    also={207: {}},
                ),
            )
        if has("update"):
            self.add(
                "PATCH",
                one,
                _operation(
                    resource,
                    "update",
                    f"Change one {resource.label.en}",
                    shown,
                    body=self.ref(changes_struct(resource)),
                    ids=True,
                    headers=[IF_MATCH],
                ),
            )
        if has("archive"):
            self.add(
                "DELETE",
                one,
                _operation(
                    resource, "archive", f"Archive one {resource.label.en}", shown, ids=True, headers=[IF_MATCH]
                ),
            )
            self.add(
                "POST",
                f"{one}/restore",
                _operation(
                    resource, "restore", f"Bring back one {resource.label.en}", shown, ids=True, headers=[KEY, IF_MATCH]
                ),
            )
        self._add_files(resource)

    def _add_files(self, resource: Resource) -> None:
        if "export" in resource.operations:
            form = {"name": "format", "in": "query", "schema": {"enum": ["csv", "xlsx", "jsonl"]}}
            operation = _operation(
                resource,
                "export",
                f"Export {resource.plural.en}",
                None,
                query=[form, *(one for one in _list_parameters(resource) if one["name"] not in NOT_HERE)],
            )
            operation["responses"]["200"] = {
                "description": "The file.",
                "content": {kind.partition(";")[0]: {} for kind in MEDIA_TYPES.values()},
            }
            self.add("GET", f"{resource.path}/export", operation)
        if "import" in resource.operations and resource.create is not None:
            dry = {"name": "dry_run", "in": "query", "schema": {"type": "boolean"}}
            operation = _operation(
                resource,
                "import",
                f"Import {resource.plural.en} from CSV or XLSX",
                self.ref(JobStarted),
                status=202,
                query=[dry],
                headers=[KEY],
                also={415: None},
            )
            operation["requestBody"] = {"required": True, "content": {"text/csv": {"schema": {"type": "string"}}}}
            self.add("POST", f"{resource.path}/import", operation)

    def add_route(self, slug: str, route: Route | EverydayRoute) -> None:
        parameters = [
            {"name": name, "in": "path", "required": True, "schema": _path_type(kind)}
            for name, kind in re.findall(r"\{(\w+):(\w+)\}", route.path)
        ]
        body = route.data if isinstance(route, EverydayRoute) else route.body()
        answer = route.answer if isinstance(route, EverydayRoute) else route.answer()
        query = None if isinstance(route, EverydayRoute) else route.query()
        if query is not None:
            parameters += _query_parameters(query)
        if route.method == "POST":
            parameters.append(KEY)
        responses: Json = {
            str(route.status): {
                "description": "Done.",
                "content": {"application/json": {"schema": self.ref(answer) if answer is not None else {}}},
            }
        }
        _add_problems(responses, {400, 401, 403, 404, 409, 412, 413, 422, 429, 503})
        operation: Json = {
            "operationId": f"{slug}.{route.name}",
            "tags": [slug],
            "summary": route.summary,
            "parameters": parameters,
            "responses": responses,
            "x-permission": route.permission,
        }
        if body is not None:
            operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": self.ref(body)}}}
        if route.permission == PUBLIC:
            operation["security"] = []
        self.add(route.method, address_of(slug, route.path), operation)


def _operation(
    resource: Resource,
    operation: str,
    summary: str,
    answer: Json | None,
    *,
    status: int = 200,
    body: Json | None = None,
    ids: bool = False,
    query: list[Json] | None = None,
    headers: list[Json] | None = None,
    also: dict[int, Json | None] | None = None,
) -> Json:
    parameters = [{"name": "object_id", "in": "path", "required": True, "schema": _TYPES["uuid"]}] if ids else []
    responses: Json = {str(status): {"description": "Done."}}
    if answer is not None:
        responses[str(status)]["content"] = {"application/json": {"schema": answer}}
    _add_problems(responses, {400, 401, 403, 404, 409, 412, 413, 422, 429, 503})
    for code, schema in (also or {}).items():
        responses[str(code)] = (
            {"description": "See the guide."}
            if schema is None
            else {"description": "Done.", "content": {"application/json": {"schema": schema}}}
        )
    permission = {"restore": "archive", "bulk": "create"}.get(operation, operation)
    written: Json = {
        "operationId": f"{resource.name}.{operation}",
        "tags": [resource.slug],
        "summary": summary,
        "parameters": [*parameters, *(query or []), *(headers or [])],
        "responses": responses,
        "x-permission": resource.permission(permission),
    }
    if body is not None:
        written["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return written


def _add_problems(responses: Json, statuses: set[int]) -> None:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for status in sorted(statuses):
        responses.setdefault(str(status), {"description": "Refused; the code says why.", "content": content})


def _object(resource: Resource) -> Json:
    table = table_of(resource)
    properties: Json = {}
    for name in shown_columns(resource):
        schema = dict(_TYPES[kind_of(table, name)])
        if table.c[name].nullable and "type" in schema:
            schema["type"] = [schema["type"], "null"]
        properties[name] = schema
    return {"type": "object", "title": resource.label.en, "description": resource.label.es, "properties": properties}


def _page(name: str) -> Json:
    items = {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}}
    cursor = {"type": ["string", "null"], "description": "Send it back as `cursor` for the next page."}
    return {
        "type": "object",
        "properties": {"items": items, "next_cursor": cursor, "total": {"type": "integer"}},
        "required": ["items", "next_cursor"],
    }


_READ: list[Json] = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in ("fields", "include")]


def _list_parameters(resource: Resource) -> list[Json]:
    sorts = [way + name for name in resource.sorts for way in ("", "-")]
    found: list[Json] = [
        {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}},
        {"name": "cursor", "in": "query", "schema": {"type": "string"}},
        {"name": "sort", "in": "query", "schema": {"enum": sorts, "default": resource.default_sort}},
        {"name": "total", "in": "query", "schema": {"type": "boolean"}},
        {"name": "archived", "in": "query", "schema": {"enum": ["exclude", "include", "only"]}},
        *_READ,
    ]
    if resource.search is not None:
        found.append(
            {
                "name": "q",
                "in": "query",
                "schema": {"type": "string", "minLength": 1, "maxLength": 200},
                "description": "Prefix search, without case and accents.",
            }
        )
    table = table_of(resource)
    found += [
        {
            "name": f"filter[{name}]",
            "in": "query",
            "schema": _TYPES[kind_of(table, name)],
            "description": "Also filter[…][gt], [gte], [lt], [lte], [in], [null].",
        }
        for name in resource.filters
    ]
    return found


def _query_parameters(query: type[msgspec.Struct]) -> list[Json]:
    _, components = msgspec.json.schema_components([query])
    described = components[query.__name__]
    required = set(described.get("required", ()))
    return [
        {"name": name, "in": "query", "required": name in required, "schema": value}
        for name, value in described["properties"].items()
    ]


def _path_type(kind: str) -> Json:
    return {"uuid": _TYPES["uuid"], "int": {"type": "integer"}}.get(kind, {"type": "string"})
