"""Routes as data: what a handler takes, answers and needs, before any web framework sees it."""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from erp_core.kernel.errors import Problem

PUBLIC = "public"
SIGNED_IN = "signed_in"
PERMISSION = re.compile(r"[a-z][a-z0-9]*(\.[a-z][a-z0-9_]*){2,3}\Z")
_PARAMETER = re.compile(r"\{(\w+):(\w+)\}")


@dataclass(frozen=True, slots=True)
class Reply:
    """What a command answers: a body (struct or plain data), a status and headers."""

    body: Any = None
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """A handler of a business action.

    ``path`` lies below ``/api/v1/<slug>`` (``/estimates/{estimate_id:uuid}/approve``). ``permission`` is a full name,
    or ``PUBLIC`` or ``SIGNED_IN`` said aloud. The function takes ``ctx`` first, then the path's parameters by name,
    then at most one struct called ``data`` (the JSON body) and one called ``query`` (the query string). It runs in a
    worker thread inside one unit of work; GET routes run read-only. ``also`` names
    further permissions that the function itself asks for. ``problems`` are the refusals it documents.
    A route whose body or answer holds a ``secret`` keeps no answer for its Idempotency-Key.
    """

    method: str
    path: str
    permission: str
    function: Callable[..., Any]
    status: int = 200
    problems: tuple[type[Exception], ...] = ()
    also: tuple[str, ...] = ()
    secret: bool = False

    @property
    def name(self) -> str:
        return self.function.__name__

    @property
    def summary(self) -> str:
        return (inspect.getdoc(self.function) or self.name).split("\n", 1)[0]

    def parameters(self) -> dict[str, type[Any]]:
        """Give the path's parameters with their types (``uuid``, ``str`` or ``int``)."""
        kinds: dict[str, type[Any]] = {"uuid": UUID, "str": str, "int": int}
        return {name: kinds[kind] for name, kind in _PARAMETER.findall(self.path)}

    def body(self) -> type[msgspec.Struct] | None:
        found: type[msgspec.Struct] | None = self._hint("data")
        return found

    def query(self) -> type[msgspec.Struct] | None:
        found: type[msgspec.Struct] | None = self._hint("query")
        return found

    def answer(self) -> Any:
        """Give the declared return type without the problems it may return; ``None`` for a bare ``Reply``."""
        hint = self._hint("return")
        if typing.get_origin(hint) in {typing.Union, types.UnionType}:
            plain = [
                part for part in typing.get_args(hint) if not (isinstance(part, type) and issubclass(part, Problem))
            ]
            hint = typing.Union[tuple(plain)]  # noqa: UP007 - made from a list
        return None if hint in {Reply, type(None)} else hint

    def _hint(self, name: str) -> Any:
        return typing.get_type_hints(self.function).get(name)


def address_of(slug: str, path: str) -> str:
    """Give the address of a route: below its package's, but for the well-known ones, which stand at the root."""
    return path if path.startswith("/.well-known/") else f"/api/v1/{slug}{path}"


def route(
    method: str,
    path: str,
    permission: str,
    *,
    status: int = 200,
    problems: tuple[type[Exception], ...] = (),
    also: tuple[str, ...] = (),
    secret: bool = False,
) -> Callable[[Callable[..., Any]], Route]:
    """Declare a handler: ``@route("POST", "/quotes/{quote_id:uuid}/send", "vidrio.quotes.send")``."""
    if permission not in {PUBLIC, SIGNED_IN} and PERMISSION.match(permission) is None:
        message = f"{permission!r} is not a permission name such as vidrio.quotes.send."
        raise ValueError(message)

    def declare(function: Callable[..., Any]) -> Route:
        return Route(method, path, permission, function, status, problems, also, secret)

    return declare
