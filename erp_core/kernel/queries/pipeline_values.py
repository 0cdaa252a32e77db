"""How Python values become parameters: text that the server itself parses and binds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Final, TypeAlias
from uuid import UUID

import msgspec

Param: TypeAlias = bytes | None
"""One bound parameter in PostgreSQL's text format; None is NULL. It must not contain a zero byte, because the
protocol's text values end there: `encode` refuses one, JSON never holds one."""


def _encode_str(value: str) -> bytes:
    if "\0" in value:
        raise ValueError("PostgreSQL text cannot hold the character U+0000: remove it from the value")
    return value.encode()


def _encode_bool(value: bool) -> bytes:
    return b"t" if value else b"f"


def _encode_ascii(value: object) -> bytes:
    return str(value).encode("ascii")


def _encode_float(value: float) -> bytes:
    # PostgreSQL spells the infinities as words, which repr() shortens.
    return repr(value).encode("ascii") if math.isfinite(value) else str(Decimal(value)).encode("ascii")


def _encode_datetime(value: datetime) -> bytes:
    if value.tzinfo is None:
        raise ValueError("a point in time needs its time zone: give an aware datetime")
    return value.isoformat().encode("ascii")


def _encode_date(value: date | time) -> bytes:
    return value.isoformat().encode("ascii")


def _encode_bytes(value: bytes | bytearray | memoryview) -> bytes:
    return b"\\x" + value.hex().encode("ascii")


# The order matters to subclasses: bool before int, datetime before date.
_ENCODERS: Final[dict[type, Callable[..., bytes]]] = {
    str: _encode_str,
    bool: _encode_bool,
    int: _encode_ascii,
    UUID: _encode_ascii,
    Decimal: _encode_ascii,
    datetime: _encode_datetime,
    date: _encode_date,
    time: _encode_date,
    float: _encode_float,
    bytes: _encode_bytes,
    bytearray: _encode_bytes,
    memoryview: _encode_bytes,
    dict: msgspec.json.encode,
    list: msgspec.json.encode,
    tuple: msgspec.json.encode,
}


def encode(value: object) -> Param:
    """Encode one value for a parameter: scalars as PostgreSQL text, bytes as bytea, lists and dicts as JSON.

    A naive datetime or a text with U+0000 is a ValueError, a type with no encoding a TypeError.
    """
    if value is None:
        return None
    encoder = _ENCODERS.get(value.__class__)
    return encoder(value) if encoder is not None else _encode_subclass(value)


def _encode_subclass(value: object) -> bytes:
    # str() of an enumeration member may be its name: the plain value is what the column holds.
    if isinstance(value, str):
        return _encode_str(str.__str__(value))
    for kind, encoder in _ENCODERS.items():
        if isinstance(value, kind):
            return encoder(int(value) if isinstance(value, int) and kind is int else value)
    raise TypeError(f"no PostgreSQL encoding for {type(value).__name__}: encode it to text or JSON first")


def encode_array(values: Iterable[object]) -> bytes:
    """Encode a flat array for `= ANY($1::uuid[])` and the like; elements as in `encode`."""
    return b"{" + b",".join(_array_element(encode(value)) for value in values) + b"}"


def _array_element(value: Param) -> bytes:
    if value is None:
        return b"NULL"
    return b'"' + value.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
