"""Pure rules of vehicles: how their numbers are tidied, and when a meter reading can be true."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from erp_core.partners.rules import tidy
from erp_mecanicas.codes.vin import (
    CHECK_POSITION,
    FIRST_CHECKED_YEAR,
    LENGTH,
    VALUES,
    MalformedVin,
    check_digit,
    normalise_vin,
)
from erp_mecanicas.vehicle_mgmt.errors import (
    InvalidMeter,
    MeterMissing,
    ReadingAboveNext,
    ReadingBelowLast,
    ReasonMissing,
    VinInvalid,
)

LARGEST_METER = Decimal("999999999.9")
# No truck drives more in a day with two drivers; more is a mistyped figure or a meter in miles.
SUSPECTED_KM_PER_DAY = Decimal(2000)
SECONDS_PER_DAY = Decimal(86_400)
_UPPER = ("plate", "vin", "fleet_number")


@dataclass(frozen=True, slots=True)
class Meters:
    """What the meters said at one moment."""

    km: Decimal | None
    hours: Decimal | None
    taken_at: datetime


def prepare_vehicle(sent: dict[str, Any]) -> dict[str, Any]:
    """Tidy a vehicle's fields, and note beside a VIN whether its check digit holds."""
    row = {key: value.upper() if key in _UPPER and value else value for key, value in tidy(sent).items()}
    if row.get("plate"):
        row["plate"] = row["plate"].replace(" ", "").replace("-", "")
    if "vin" in row:
        row["vin_check"] = vin_check(row["vin"], row.get("year"))
    return row


def vin_check(vin: str | None, year: int | None) -> str | None:
    """Say valid, doubtful or unchecked; refuse what is no VIN of a vehicle of that year.

    Before 1981 makers numbered as they liked. Without the year a short number is left to the table's own rule.
    """
    if vin is None:
        return None
    if len(vin) != LENGTH and (year is None or year < FIRST_CHECKED_YEAR):
        _refuse_characters(vin)
        return "unchecked"
    try:
        number = normalise_vin(vin)
    except MalformedVin as error:
        raise VinInvalid(pointer="/vin", reason=error.reason, position=error.position) from None
    if year is not None and year < FIRST_CHECKED_YEAR:
        return "unchecked"
    return "valid" if check_digit(number) == number[CHECK_POSITION] else "doubtful"


def _refuse_characters(vin: str) -> None:
    for position, character in enumerate(vin, start=1):
        if character not in VALUES:
            raise VinInvalid(pointer="/vin", reason="illegal_character", position=position)
    if len(vin) > LENGTH:
        raise VinInvalid(pointer="/vin", reason="length", position=None)


def check_meters(meters: Meters, *, explained: bool, reason: str | None) -> None:
    """Refuse a reading that says nothing, cannot be kept, or lacks the reason that it needs."""
    if meters.km is None and meters.hours is None:
        raise MeterMissing(pointer="/km")
    for name, value in (("km", meters.km), ("hours", meters.hours)):
        if value is not None and not _storable(value):
            raise InvalidMeter(pointer=f"/{name}", largest=str(LARGEST_METER))
    if explained and not (reason or "").strip():
        raise ReasonMissing(pointer="/reason")


def _storable(value: Decimal) -> bool:
    return value.is_finite() and 0 <= value <= LARGEST_METER and round(value, 1) == value


def refuse_backwards(meters: Meters, last: Meters | None, following: Meters | None) -> None:
    """Refuse a reading that lies below the one before it or above the one after it."""
    for name in ("km", "hours"):
        sent = getattr(meters, name)
        before, after = getattr(last, name, None), getattr(following, name, None)
        if sent is not None and before is not None and sent < before:
            raise ReadingBelowLast(pointer=f"/{name}", meter=name, sent=str(sent), last=str(before))
        if sent is not None and after is not None and sent > after:
            raise ReadingAboveNext(pointer=f"/{name}", meter=name, sent=str(sent), next=str(after))


def jump_suspected(meters: Meters, last: Meters | None) -> bool:
    """Say whether the kilometres grew faster than a truck can drive."""
    if last is None or meters.km is None or last.km is None or meters.km <= last.km:
        return False
    days = max(Decimal((meters.taken_at - last.taken_at).total_seconds()) / SECONDS_PER_DAY, Decimal(1))
    return meters.km - last.km > SUSPECTED_KM_PER_DAY * days
