"""The annex clinic of a corner shop, as many Mexican pharmacies and shops have one; every person is invented."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ColumnElement, select

from erp_clinicas.appointments.models import Practitioner, Site
from erp_clinicas.appointments.rules import prepare_practitioner, prepare_site
from erp_clinicas.patients.models import Chart, Patient
from erp_clinicas.patients.rules import prepare_patient
from erp_core.kernel.context import Context
from erp_core.kernel.ids import new_id
from erp_core.kernel.plugins.declarations import DemoStep
from erp_core.kernel.plugins.manifest import Label

SITE = "Consultorio anexo La Esquina"
LICENCE = "8123456"

# Chart number, given names, surnames, birth date, sex, CURP, telephone, blood type, background.
Row = tuple[str, str, str, str, date, str, str | None, str, str | None, str | None]
PATIENTS: tuple[Row, ...] = (
    ("E-000001", "María Guadalupe", "Hernández", "López", date(1984, 12, 12), "female", "HELG841212MJCRPD00",
     "33 1204 5567", "O+", "Hipertensión en control desde 2021."),
    ("E-000002", "José Luis", "Ramírez", "Ortiz", date(1959, 3, 4), "male", "RAOL590304HJCMRS05",
     "33 1877 0921", "A+", "Diabetes tipo 2. Alergia a la penicilina."),
    ("E-000003", "Diego", "Torres", "Nava", date(2017, 8, 30), "male", "TOND170830HJCRVGA2",
     "33 1455 3108", None, None),
    ("E-000004", "Rosa", "Aguilar", "Peña", date(1990, 6, 15), "female", None,
     "33 2290 7716", None, None),
)  # fmt: skip


def load_annex_clinic(ctx: Context) -> None:
    """Load a site, its physician and four patients, one of them provisional; what is there stays as it is."""
    if _lacks(ctx, Site, Site.name == SITE):
        ctx.session.add(
            Site(
                id=new_id(), **prepare_site({"name": SITE, "clues": "JCSMP004213", "time_zone": "America/Mexico_City"})
            )
        )
    if _lacks(ctx, Practitioner, Practitioner.licence_number == LICENCE):
        physician = {
            "given_names": "Elena",
            "first_surname": "Casillas",
            "second_surname": "Mora",
            "licence_number": LICENCE,
        }
        ctx.session.add(Practitioner(id=new_id(), **prepare_practitioner(physician)))
    for row in PATIENTS:
        if _lacks(ctx, Patient, Patient.chart_number == row[0]):
            _add_patient(ctx, row)


def _add_patient(ctx: Context, row: Row) -> None:
    number, given_names, first, second, birth_date, sex, curp, phone, blood_type, background = row
    facts = {
        "chart_number": number,
        "kind": "person",
        "given_names": given_names,
        "first_surname": first,
        "second_surname": second,
        "birth_date": birth_date,
        "sex": sex,
        "curp": curp,
        "phones": [phone],
    }
    patient = Patient(id=new_id(), **prepare_patient(facts))
    ctx.session.add(patient)
    ctx.session.flush()
    if blood_type is not None or background is not None:
        ctx.session.add(Chart(id=new_id(), patient_id=patient.id, blood_type=blood_type, background=background))


def _lacks(ctx: Context, model: type[Site | Practitioner | Patient], condition: ColumnElement[bool]) -> bool:
    return ctx.session.scalar(select(model.id).where(model.tenant_id == ctx.tenant_id, condition)) is None


STEPS: tuple[DemoStep, ...] = (
    DemoStep(
        Label("Un consultorio anexo con sus pacientes", "An annex clinic with its patients"),
        "abarrotes-la-esquina",
        load_annex_clinic,
    ),
)
