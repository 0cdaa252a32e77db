"""What comes in and goes out about vehicles."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

Name = Annotated[str, Meta(min_length=1, max_length=80, pattern=r"\S")]
Figure = Annotated[Decimal, Meta(examples=["104500.0"], description="A decimal number with one decimal, as a string.")]
Moment = Annotated[datetime, Meta(tz=True)]


class VehicleIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """A vehicle as a caller writes it; ``axles`` is its axle configuration, such as 6x4."""

    make: Annotated[Name, Meta(examples=["Kenworth"])]
    model: Annotated[Name, Meta(examples=["T680"])]
    year: Annotated[int, Meta(ge=1900, le=2200, examples=[2019])]
    owner_id: UUID
    vin: Annotated[str, Meta(max_length=40, examples=["3AKJHHDR9JS000001"])] | None = None
    plate: Annotated[str, Meta(max_length=20, pattern=r"^[A-Za-z0-9 \-]*$", examples=["LC-12-345"])] | None = None
    fleet_number: Annotated[str, Meta(max_length=30, examples=["T-07"])] | None = None
    fuel: Literal["diesel", "gasoline", "natural_gas", "lp_gas", "electric", "hybrid"] = "diesel"
    axles: Annotated[str, Meta(max_length=20, examples=["6x4"])] | None = None


class ReadingIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """A reading as a caller writes it; without a time it was taken now."""

    km: Figure | None = None
    hours: Figure | None = None
    taken_at: Moment | None = None
    source: Literal["reception", "driver", "telematics", "correction"] = "reception"
    meter_replaced: bool = False
    reason: Annotated[str, Meta(max_length=500)] | None = None


class ReadingTaken(Struct, kw_only=True):
    """A stored reading; ``warnings`` holds jump_suspected when the kilometres grew too fast to be likely."""

    id: UUID
    vehicle_id: UUID
    km: Decimal | None
    hours: Decimal | None
    taken_at: datetime
    source: str
    meter_replaced: bool
    reason: str | None
    warnings: list[str]


class VinView(Struct, kw_only=True):
    """What a VIN says; ``warnings`` are check_digit, unknown_maker and no_model_year, and none of them blocks."""

    vin: str
    check_digit_valid: bool
    expected_digit: str
    found_digit: str
    check_required: bool
    region: str
    maker: str | None
    country: str | None
    model_year: int | None
    other_model_year: int | None
    serial: str
    warnings: list[str]
