"""What comes in about patients."""

from __future__ import annotations

import secrets
from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct, field

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"

Surname = Annotated[str, Meta(max_length=80, examples=["Hernández"])]


def make_chart_number() -> str:
    """Make a chart number: E and eight characters that cannot be mistaken for each other."""
    return "E" + "".join(secrets.choice(ALPHABET) for _ in range(8))


class PatientIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """A patient as a caller writes it; one without a CURP is provisional.

    ``curp_confirmed`` says that somebody looked at the document although it contradicts the birth date or the sex.
    """

    given_names: Annotated[str, Meta(min_length=1, max_length=120, pattern=r"\S", examples=["María Guadalupe"])]
    birth_date: date
    chart_number: Annotated[
        str, Meta(min_length=1, max_length=20, pattern=r"^\s*[A-Za-z0-9][A-Za-z0-9\-]*\s*$", examples=["E-000123"])
    ] = field(default_factory=make_chart_number)
    kind: Literal["person", "animal"] = "person"
    first_surname: Surname | None = None
    second_surname: Surname | None = None
    sex: Literal["male", "female", "other", "unknown"] = "unknown"
    curp: Annotated[str, Meta(max_length=24, examples=["HELG841212MJCRPD00"])] | None = None
    curp_confirmed: bool = False
    nationality: Annotated[str, Meta(pattern=r"^\s*[A-Za-z]{2}\s*$", examples=["MX"])] = "MX"
    phones: Annotated[list[Annotated[str, Meta(max_length=30)]], Meta(max_length=5, examples=[["+523336150000"]])] = []
    email: Annotated[str, Meta(max_length=254, examples=["guadalupe@example.mx"])] | None = None
    address: Annotated[str, Meta(max_length=300)] | None = None
    deceased_on: date | None = None


class ChartIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """The first page of a chart as a caller writes it."""

    patient_id: UUID
    blood_type: Literal["O-", "O+", "A-", "A+", "B-", "B+", "AB-", "AB+"] | None = None
    background: Annotated[str, Meta(max_length=20_000, examples=["Apendicectomía en 2009. No fuma."])] | None = None
