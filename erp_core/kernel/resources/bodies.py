"""Bodies of requests: structs decoded strictly, and each refusal pointed at the field that caused it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, get_type_hints

import msgspec
from msgspec import UNSET, UnsetType

from erp_core.kernel.errors import InvalidInput, MalformedJson, Problem
from erp_core.kernel.resources.declaration import Resource

_PATH = re.compile(r"\s*-? at `(?P<path>[^`]+)`\Z")
_MISSING = re.compile(r"Object missing required field `(\w+)`")
_UNKNOWN = re.compile(r"Object contains unknown field `(.+?)`")


@lru_cache(maxsize=512)
def changes_struct(resource: Resource) -> type[msgspec.Struct]:
    """Derive the body of a change: the fields of a creation, each optional, without the fixed ones."""
    if resource.create is None:
        message = f"{resource.name} takes no bodies."
        raise TypeError(message)
    hints = get_type_hints(resource.create, include_extras=True)
    fields: list[Any] = [(name, hint | UnsetType, UNSET) for name, hint in hints.items() if name not in resource.fixed]
    name = resource.create.__name__.removesuffix("In").removesuffix("Create") + "Changes"
    return msgspec.defstruct(name, fields, forbid_unknown_fields=True, kw_only=True)


@lru_cache(maxsize=1024)
def decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    """Give the decoder of a body, made once."""
    return msgspec.json.Decoder(kind)


def decode(body: bytes, kind: Any) -> Any:
    """Decode a JSON body into its struct, or refuse with the pointer of the field."""
    try:
        return decoder(kind).decode(body)
    except msgspec.ValidationError as error:
        raise refused_field(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedJson(reason=str(error)) from None


def refused_field(message: str, prefix: str = "") -> Problem:
    """Turn msgspec's sentence into a problem with a JSON pointer."""
    found = _PATH.search(message)
    path = found["path"] if found else "$"
    reason = message[: found.start()] if found else message
    pointer = prefix + re.sub(r"\[(\d+|\.\.\.)\]", r".\1", path.removeprefix("$")).replace(".", "/").replace("//", "/")
    named = _MISSING.match(reason) or _UNKNOWN.match(reason)
    if named:
        pointer = f"{pointer}/{named[1]}"
        reason = "This field is required." if _MISSING.match(reason) else "There is no such field."
    return InvalidInput(reason=reason, pointer=pointer or "/")


def sent_values(data: msgspec.Struct) -> dict[str, Any]:
    """Give the fields that were sent (or defaulted), by name."""
    values = {name: getattr(data, name) for name in data.__struct_fields__}
    return {name: value for name, value in values.items() if value is not UNSET}
