"""Lists: what a query string may ask, and the page that answers it."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from erp_core.kernel.context import Actor
from erp_core.kernel.errors import Forbidden, InvalidInput
from erp_core.kernel.queries.pipeline import Call, Rows, encode, encode_array
from erp_core.kernel.resources.declaration import Resource
from erp_core.kernel.resources.sql import (
    OPERATORS,
    count_statement,
    kind_of,
    list_statement,
    shown_columns,
    table_of,
)

MOST = 200
USUAL = 50
_FILTER = re.compile(r"filter\[(\w+)\](?:\[(\w+)\])?\Z")
_PLAIN = frozenset({"limit", "cursor", "sort", "fields", "q", "include", "total", "archived", "lang"})


class UnknownParameter(InvalidInput):
    """The query string names something that the resource does not offer."""

    code = "unknown_parameter"
    status = 400
    message = "{parameter} is not offered here; known: {known}."


class InvalidParameter(InvalidInput):
    """A value of the query string cannot be read."""

    code = "invalid_parameter"
    status = 400
    message = "{parameter} cannot be read: {reason}"


@dataclass(slots=True)
class Page:
    """One list, as its query string asked for it."""

    resource: Resource
    columns: tuple[str, ...]
    includes: tuple[tuple[str, Resource], ...] = ()
    filters: tuple[tuple[str, str], ...] = ()
    values: tuple[bytes | None, ...] = ()
    search: bytes | None = None
    sort: tuple[str, bool] = ("created_at", True)
    after: tuple[bytes, bytes] | None = None
    limit: int = USUAL
    archived: str = "exclude"
    total: bool = False

    def calls(self, tenant_id: UUID) -> list[Call]:
        """Give the statements of the page: the rows (one more than asked tells whether another page follows), the
        total.
        """
        first = [encode(tenant_id), *self.values, *([self.search] if self.search is not None else [])]
        statement = list_statement(
            self.resource,
            self.columns,
            self.includes,
            self.filters,
            self.sort,
            after=self.after is not None,
            archived=self.archived,
            search=self.search is not None,
        )
        calls = [Call(statement, [*first, *(self.after or ()), encode(self.limit + 1)])]
        if self.total:
            count = count_statement(self.resource, self.filters, archived=self.archived, search=self.search is not None)
            calls.append(Call(count, first))
        return calls

    def answer(self, results: list[Rows]) -> bytes:
        """Join the rows that PostgreSQL wrote into one document; nothing is decoded."""
        rows = results[0].rows()
        page = rows[: self.limit]
        more = len(rows) > self.limit
        cursor = encode_cursor(self.sort, page[-1][1] or b"", page[-1][2] or b"") if more and page else None
        items = b",".join(row[0] or b"null" for row in page)
        total = b',"total":' + (results[1].value() or b"0") if self.total else b""
        return (
            b'{"items":[' + items + b'],"next_cursor":' + (b'"' + cursor + b'"' if cursor else b"null") + total + b"}"
        )


def encode_cursor(sort: tuple[str, bool], value: bytes, row_id: bytes) -> bytes:
    """Write where a page ended; it names its sort, so that it cannot be used with another one."""
    text = msgspec.json.encode([sort[0], sort[1], value.decode(), row_id.decode()])
    return base64.urlsafe_b64encode(text).rstrip(b"=")


def decode_cursor(text: str, sort: tuple[str, bool]) -> tuple[bytes, bytes]:
    """Read a cursor, or refuse one that is broken or belongs to another order."""
    try:
        padded = text.encode() + b"=" * (-len(text) % 4)
        name, descending, value, row_id = msgspec.json.decode(
            base64.urlsafe_b64decode(padded), type=tuple[str, bool, str, UUID]
        )
    except (binascii.Error, msgspec.MsgspecError, ValueError):
        raise InvalidParameter(parameter="cursor", reason="it is not one that a list gave") from None
    if (name, descending) != sort:
        raise InvalidParameter(parameter="cursor", reason="it belongs to another sort")
    return value.encode(), str(row_id).encode()


def parse_page(resource: Resource, resources: dict[str, Resource], actor: Actor, query: list[tuple[str, str]]) -> Page:
    """Read a query string strictly: a parameter that is not offered is refused, never ignored."""
    page = Page(resource, shown_columns(resource), sort=_sort(resource, resource.default_sort))
    filters: list[tuple[tuple[str, str], bytes | None]] = []
    cursor = None
    for name, text in query:
        if name.startswith("filter["):
            filters.append(_filter(resource, name, text))
        elif name == "cursor":
            cursor = text
        elif name in _PLAIN:
            _apply(page, resources, actor, name, text)
        else:
            raise UnknownParameter(parameter=name, known=", ".join(sorted(_PLAIN)) + ", filter[field]")
    filters.sort(key=lambda pair: pair[0])
    page.filters = tuple(pair for pair, _ in filters)
    page.values = tuple(value for _, value in filters)
    page.after = decode_cursor(cursor, page.sort) if cursor is not None else None
    return page


def _apply(page: Page, resources: dict[str, Resource], actor: Actor, name: str, text: str) -> None:
    resource = page.resource
    if name == "limit":
        page.limit = _limit(text)
    elif name == "sort":
        page.sort = _sort(resource, text)
    elif name == "fields":
        page.columns = parse_fields(resource, text)
    elif name == "include":
        page.includes = parse_includes(resource, resources, actor, text)
    elif name == "q":
        page.search = _search(resource, text)
    elif name == "total":
        page.total = _boolean(name, text)
    elif name == "archived":
        if text not in {"exclude", "include", "only"}:
            raise InvalidParameter(parameter=name, reason="it takes exclude, include or only")
        page.archived = text


def parse_fields(resource: Resource, text: str) -> tuple[str, ...]:
    """Read ``fields=a,b``; the id and the version always come along."""
    shown = shown_columns(resource)
    asked = {part.strip() for part in text.split(",") if part.strip()}
    unknown = asked.difference(shown)
    if unknown:
        raise UnknownParameter(parameter=f"fields={min(unknown)}", known=", ".join(shown))
    return tuple(name for name in shown if name in asked or name in {"id", "version"})


def parse_includes(
    resource: Resource, resources: dict[str, Resource], actor: Actor, text: str
) -> tuple[tuple[str, Resource], ...]:
    """Read ``include=category,unit``; each needs the permission to read what it shows."""
    offered = {column.removesuffix("_id"): (column, target) for column, target in resource.references.items()}
    found = []
    for part in sorted({part.strip() for part in text.split(",") if part.strip()}):
        if part not in offered or offered[part][1] not in resources:
            raise UnknownParameter(parameter=f"include={part}", known=", ".join(sorted(offered)) or "none")
        column, target = offered[part]
        permission = resources[target].permission("read")
        if permission not in actor.permissions:
            raise Forbidden(permission=permission)
        found.append((column, resources[target]))
    return tuple(found)


def _limit(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 3 or not 1 <= int(text) <= MOST:
        raise InvalidParameter(parameter="limit", reason=f"it takes a whole number from 1 to {MOST}")
    return int(text)


def _sort(resource: Resource, text: str) -> tuple[str, bool]:
    name, descending = text.removeprefix("-"), text.startswith("-")
    if name not in resource.sorts:
        raise UnknownParameter(parameter=f"sort={text}", known=", ".join(resource.sorts))
    return resource.sort_by.get(name, name), descending


def _search(resource: Resource, text: str) -> bytes:
    if resource.search is None:
        raise UnknownParameter(parameter="q", known="no search on this resource")
    if not text.strip() or len(text) > 200 or "\x00" in text:
        raise InvalidParameter(parameter="q", reason="it takes 1 to 200 characters")
    return encode(text.strip()) or b""


def _filter(resource: Resource, name: str, text: str) -> tuple[tuple[str, str], bytes | None]:
    found = _FILTER.match(name)
    column, operator = (found[1], found[2] or "eq") if found else (name, "eq")
    if column not in resource.filters:
        raise UnknownParameter(
            parameter=name, known=", ".join(f"filter[{item}]" for item in resource.filters) or "no filters"
        )
    if operator == "null":
        return (column, operator), encode(_boolean(name, text))
    if operator == "in":
        parts = text.split(",")
        if len(parts) > MOST:
            raise InvalidParameter(parameter=name, reason=f"it takes at most {MOST} values")
        return (column, operator), encode_array([_value(resource, name, column, part) for part in parts])
    if operator not in OPERATORS:
        raise UnknownParameter(parameter=name, known=", ".join([*OPERATORS, "in", "null"]))
    return (column, operator), encode(_value(resource, name, column, text))


def _value(resource: Resource, name: str, column: str, text: str) -> Any:
    kind = kind_of(table_of(resource), column)
    types: dict[str, Any] = {
        "uuid": UUID,
        "integer": int,
        "boolean": bool,
        "moment": datetime,
        "date": date,
        "text": str,
    }
    try:
        value = msgspec.convert(text, types[kind], strict=False)
        encode(value)
    except (msgspec.ValidationError, ValueError):
        raise InvalidParameter(parameter=name, reason=f"{text[:60]!r} is not a {kind}") from None
    return value


def _boolean(name: str, text: str) -> bool:
    if text not in {"true", "false"}:
        raise InvalidParameter(parameter=name, reason="it takes true or false")
    return text == "true"
