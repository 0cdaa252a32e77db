"""Pure rules of stores and tills: how fields are tidied and checked."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from erp_core.partners.rules import tidy
from erp_retail.pos.errors import UnknownTimeZone


def check_time_zone(name: str) -> str:
    """Give the name of an IANA time zone, or refuse another one."""
    if name not in available_timezones():
        raise UnknownTimeZone(pointer="/time_zone", time_zone=name)
    return name


def prepare_store(sent: dict[str, Any]) -> dict[str, Any]:
    """Tidy and check the fields of a store."""
    row = _upper(tidy(sent), "code")
    if "time_zone" in row:
        row["time_zone"] = check_time_zone(row["time_zone"] or "")
    return row


def prepare_terminal(sent: dict[str, Any]) -> dict[str, Any]:
    """Tidy the fields of a till."""
    return _upper(tidy(sent), "code", "series")


def _upper(row: dict[str, Any], *fields: str) -> dict[str, Any]:
    return {key: value.upper() if key in fields and value else value for key, value in row.items()}
