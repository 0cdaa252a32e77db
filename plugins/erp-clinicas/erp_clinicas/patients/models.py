"""The tables of patients, all in the schema ``clinicas``."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from erp_core.kernel.database.model import MutableRow, TextC, folded, reference

CURP_FORMAT = "curp ~ '^[A-Z]{4}[0-9]{6}[HM][A-Z]{5}[0-9A-Z][0-9]$'"
# The 17th character tells the century; position 11 says H for a man and M for a woman.
CURP_MATCHES = (
    "curp IS NULL OR curp_confirmed OR ("
    "extract(year FROM birth_date)"
    " = substr(curp, 5, 2)::integer + CASE WHEN substr(curp, 17, 1) ~ '[0-9]' THEN 1900 ELSE 2000 END"
    " AND extract(month FROM birth_date) = substr(curp, 7, 2)::integer"
    " AND extract(day FROM birth_date) = substr(curp, 9, 2)::integer"
    " AND (sex, substr(curp, 11, 1)) NOT IN (('male', 'M'), ('female', 'H')))"
)


class Patient(MutableRow):
    """The person or animal cared for (paciente): who it is and how to reach it, and nothing of its health.

    A patient is not a partner, because every package may read partners.
    """

    __tablename__ = "patients"
    __table_args__ = (
        UniqueConstraint("tenant_id", "chart_number"),
        Index(
            "uq_patients_tenant_id_curp", "tenant_id", "curp", unique=True, postgresql_where=text("archived_at IS NULL")
        ),
        CheckConstraint("kind IN ('person', 'animal')", name="kind"),
        CheckConstraint("kind <> 'person' OR first_surname IS NOT NULL", name="first_surname"),
        CheckConstraint("sex IN ('male', 'female', 'other', 'unknown')", name="sex"),
        # What holds on one day holds on every later one, so a check may look at the calendar here.
        CheckConstraint("birth_date <= CURRENT_DATE", name="birth_date"),
        CheckConstraint("deceased_on >= birth_date", name="deceased_on"),
        CheckConstraint("kind = 'person' OR curp IS NULL", name="curp_kind"),
        CheckConstraint(CURP_FORMAT, name="curp"),
        CheckConstraint(CURP_MATCHES, name="curp_matches"),
        Index(None, "tenant_id", "curp", "id"),
        Index(None, "tenant_id", "birth_date", "id"),
        Index(None, "tenant_id", "name_key", "id"),
        Index(None, "tenant_id", "created_at", "id"),
        {"schema": "clinicas"},
    )

    chart_number: Mapped[str]
    kind: Mapped[str] = mapped_column(server_default=text("'person'"))
    given_names: Mapped[str]
    first_surname: Mapped[str | None]
    second_surname: Mapped[str | None]
    birth_date: Mapped[date]
    sex: Mapped[str] = mapped_column(server_default=text("'unknown'"))
    curp: Mapped[str | None]
    curp_confirmed: Mapped[bool] = mapped_column(server_default=text("false"))
    nationality: Mapped[str] = mapped_column(server_default=text("'MX'"))
    phones: Mapped[list[str]] = mapped_column(ARRAY(TextC), server_default=text("'{}'"))
    email: Mapped[str | None]
    address: Mapped[str | None]
    deceased_on: Mapped[date | None]
    name_key: Mapped[str] = mapped_column(folded("first_surname", "second_surname", "given_names", "chart_number"))


class Chart(MutableRow):
    """The first page of a patient's chart (expediente clínico); its readers are fewer than the patient's."""

    __tablename__ = "charts"
    __table_args__ = (
        UniqueConstraint("tenant_id", "patient_id"),
        reference("patient_id", "clinicas.patients"),
        CheckConstraint("blood_type IN ('O-', 'O+', 'A-', 'A+', 'B-', 'B+', 'AB-', 'AB+')", name="blood_type"),
        Index(None, "tenant_id", "created_at", "id"),
        {"schema": "clinicas"},
    )

    patient_id: Mapped[UUID]
    blood_type: Mapped[str | None]
    background: Mapped[str | None]
