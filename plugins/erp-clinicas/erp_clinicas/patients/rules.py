"""Pure rules of patients: the personal code (CURP), telephone numbers, and how fields are tidied."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from stdnum.exceptions import InvalidChecksum, InvalidComponent, InvalidLength, ValidationError
from stdnum.mx import curp as registry

from erp_clinicas.patients.errors import (
    BornInFuture,
    CurpContradicts,
    CurpOfAnimal,
    InvalidCurp,
    InvalidPhone,
    SurnameMissing,
)
from erp_core.kernel.context import utc_now
from erp_core.partners.rules import check_country, check_email, tidy

_REASONS = ((InvalidLength, "length"), (InvalidChecksum, "check_digit"), (InvalidComponent, "component"))
# Position 11 is H for hombre and M for mujer.
_SEX_POSITION = 10
SEX_LETTERS: Mapping[str, str] = {"male": "H", "female": "M"}
_E164 = re.compile(r"\+[1-9][0-9]{7,14}\Z")
_NATIONAL = re.compile(r"[0-9]{10}\Z")


def check_curp(value: str) -> str:
    """Give a CURP as it is kept, or refuse it by structure, date, state or check digit."""
    try:
        return str(registry.validate(value))
    except ValidationError as error:
        reason = next((name for kind, name in _REASONS if isinstance(error, kind)), "format")
        raise InvalidCurp(pointer="/curp", reason=reason) from None


def contradictions(curp: str, birth_date: date | None, sex: str | None) -> list[str]:
    """List which facts of the record a valid CURP contradicts; a fact that is not known contradicts nothing.

    The 17th character tells the century: a digit for births before 2000, a letter since then.
    """
    found = []
    if birth_date is not None and registry.get_birth_date(curp) != birth_date:
        found.append("birth_date")
    letter = SEX_LETTERS.get(sex or "")
    if letter is not None and curp[_SEX_POSITION] != letter:
        found.append("sex")
    return found


def age_in_years(birth_date: date, day: date) -> int:
    """Count the birthdays until a day; who was born on 29 February has one on 1 March in other years."""
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))


def check_phone(text: str) -> str:
    """Give a telephone number in the form +523336150000; ten digits alone are Mexican."""
    number = re.sub(r"[\s().\-]", "", text)
    if _NATIONAL.match(number):
        number = f"+52{number}"
    if number.startswith("00"):
        number = f"+{number[2:]}"
    if _E164.match(number) is None:
        raise InvalidPhone(pointer="/phones")
    return number


def check_birth_date(birth_date: date, today: date) -> None:
    """Refuse a birth that has not come yet."""
    if birth_date > today:
        raise BornInFuture(pointer="/birth_date", today=today.isoformat())


def prepare_patient(sent: dict[str, Any]) -> dict[str, Any]:
    """Tidy and check the fields of a patient; those that a change leaves out are compared by the table."""
    row = tidy(sent)
    for field in ("chart_number", "curp"):
        if row.get(field):
            row[field] = row[field].upper()
    if row.get("birth_date") is not None:
        check_birth_date(row["birth_date"], utc_now().date())
    if row.get("kind") == "person" and "first_surname" in row and row["first_surname"] is None:
        raise SurnameMissing(pointer="/first_surname")
    if row.get("phones"):
        row["phones"] = [check_phone(number) for number in row["phones"]]
    if row.get("email"):
        row["email"] = check_email(row["email"])
    if row.get("nationality"):
        row["nationality"] = check_country(row["nationality"], pointer="/nationality")
    if row.get("curp"):
        row["curp"] = _matching_curp(row)
    return row


def _matching_curp(row: dict[str, Any]) -> str:
    """Check a CURP by itself and against what else was sent."""
    if row.get("kind") == "animal":
        raise CurpOfAnimal(pointer="/curp")
    curp = check_curp(row["curp"])
    fields = contradictions(curp, row.get("birth_date"), row.get("sex"))
    if fields and not row.get("curp_confirmed"):
        raise CurpContradicts(pointer="/curp", fields=", ".join(fields))
    return curp
