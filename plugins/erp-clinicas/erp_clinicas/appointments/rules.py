"""Pure rules of sites and practitioners."""

from __future__ import annotations

import re
from typing import Any
from zoneinfo import available_timezones

from erp_clinicas.appointments.errors import InvalidClues, InvalidLicence, UnknownTimeZone
from erp_core.partners.rules import tidy

# State, institution and a running number; newer lists add a check character.
_CLUES = re.compile(r"[A-Z]{5}[0-9]{6}[0-9A-Z]?\Z")
_LICENCE = re.compile(r"[0-9]{5,8}\Z")


def check_clues(text: str) -> str:
    """Give the official code of a place of care (CLUES) as it is kept."""
    code = re.sub(r"[\s\-]", "", text).upper()
    if _CLUES.match(code) is None:
        raise InvalidClues(pointer="/clues")
    return code


def check_licence(text: str) -> str:
    """Give a professional licence number (cédula) as it is kept: digits only."""
    number = re.sub(r"[\s\-]", "", text)
    if _LICENCE.match(number) is None:
        raise InvalidLicence(pointer="/licence_number")
    return number


def prepare_site(sent: dict[str, Any]) -> dict[str, Any]:
    """Tidy and check the fields of a site."""
    row = tidy(sent)
    if row.get("clues"):
        row["clues"] = check_clues(row["clues"])
    if "time_zone" in row and row["time_zone"] not in available_timezones():
        raise UnknownTimeZone(pointer="/time_zone", time_zone=row["time_zone"] or "")
    return row


def prepare_practitioner(sent: dict[str, Any]) -> dict[str, Any]:
    """Tidy and check the fields of a practitioner."""
    row = tidy(sent)
    if row.get("licence_number"):
        row["licence_number"] = check_licence(row["licence_number"])
    return row
