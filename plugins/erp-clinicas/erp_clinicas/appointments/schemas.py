"""What comes in about sites and practitioners."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

Names = Annotated[str, Meta(min_length=1, max_length=120, pattern=r"\S", examples=["Elena"])]


class SiteIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """A place of care as a caller writes it."""

    name: Annotated[str, Meta(min_length=1, max_length=120, pattern=r"\S", examples=["Consultorio Centro"])]
    clues: Annotated[str, Meta(max_length=14, examples=["JCSMP000123"])] | None = None
    time_zone: Annotated[str, Meta(max_length=60, examples=["America/Mexico_City"])] = "America/Mexico_City"


class PractitionerIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """Who gives care, as a caller writes it; nothing is signed without a licence."""

    given_names: Names
    first_surname: Names
    second_surname: Annotated[str, Meta(max_length=120)] | None = None
    licence_number: Annotated[str, Meta(max_length=12, pattern=r"^[0-9 \-]*$", examples=["7654321"])] | None = None
    user_id: UUID | None = None
