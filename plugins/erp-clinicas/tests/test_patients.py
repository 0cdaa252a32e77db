"""Patients, charts, sites and practitioners over HTTP, on the real database."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from erp_clinicas.patients.models import Patient
from sqlalchemy import select

from erp_core.kernel.database.tables import AuditEntry, OutboxEntry
from erp_core.testing.environment import Erp, Person, Reply

PATIENTS = "/clinicas/patients"
CHARTS = "/clinicas/charts"
SITES = "/clinicas/sites"
PRACTITIONERS = "/clinicas/practitioners"
GUADALUPE: dict[str, Any] = {
    "given_names": "María Guadalupe",
    "first_surname": "Hernández",
    "second_surname": "López",
    "birth_date": "1984-12-12",
    "sex": "female",
    "curp": "HELG841212MJCRPD00",
}


def create(person: Person, **facts: Any) -> Reply:
    return person.post(PATIENTS, GUADALUPE | facts)


def make(person: Person, **facts: Any) -> dict[str, Any]:
    answer = create(person, **facts)
    assert answer.status == 201, answer.response.text
    return dict(answer.body)


def role(erp: Erp, person: Person, name: str) -> Person:
    permissions = next(
        role.permissions for slug, role in erp.application.roles if (slug, role.name) == ("clinicas", name)
    )
    return erp.sign_in(person.tenant_slug, permissions=permissions)


def test_a_patient_gets_a_chart_number_and_one_form_of_telephone(person: Person):
    patient = make(person, phones=["33 1204 5567"], curp="helg841212mjcrpd00")

    assert (patient["curp"], patient["phones"], patient["chart_number"][0]) == (
        "HELG841212MJCRPD00",
        ["+523312045567"],
        "E",
    )


def test_a_patient_is_not_a_partner(person: Person):
    make(person)

    assert person.items("/core/partners?q=hernandez") == []


@pytest.mark.parametrize(
    ("facts", "problem", "pointer"),
    [
        ({"curp": "HELG841212MJCRPD01"}, "clinicas_invalid_curp", "/curp"),
        ({"birth_date": "1984-12-13"}, "clinicas_curp_contradicts", "/curp"),
        ({"sex": "male"}, "clinicas_curp_contradicts", "/curp"),
        (
            {"birth_date": (datetime.now(UTC).date() + timedelta(2)).isoformat()},
            "clinicas_born_in_future",
            "/birth_date",
        ),
        ({"first_surname": None}, "clinicas_surname_missing", "/first_surname"),
        ({"kind": "animal"}, "clinicas_curp_of_animal", "/curp"),
        ({"phones": ["123"]}, "clinicas_invalid_phone", "/phones"),
        ({"nationality": "XX"}, "unknown_country", "/nationality"),
        ({"blood_type": "O+"}, "invalid_input", "/blood_type"),
    ],
)
def test_what_cannot_be_is_refused_with_its_pointer(person: Person, facts: dict[str, Any], problem: str, pointer: str):
    answer = create(person, **facts)

    assert (answer.status, answer.problem, answer.body["pointer"]) == (422, problem, pointer)


def test_a_refusal_does_not_repeat_the_curp(person: Person):
    answer = create(person, sex="male")

    assert "HELG841212" not in answer.response.text


def test_a_contradiction_is_taken_once_somebody_confirms_the_document(person: Person):
    answer = create(person, sex="male", curp_confirmed=True)

    assert (answer.status, answer.body["curp_confirmed"]) == (201, True)


@pytest.mark.parametrize("change", [{"birth_date": "1984-12-13"}, {"sex": "male"}])
def test_a_change_of_one_field_cannot_make_the_curp_contradict(person: Person, change: dict[str, str]):
    patient = make(person)

    answer = person.patch(f"{PATIENTS}/{patient['id']}", change)

    assert (answer.status, answer.problem, answer.body["rule"]) == (422, "rule_violated", "curp_matches")


def test_a_curp_added_later_is_compared_with_the_record(person: Person):
    patient = make(person, curp=None, birth_date="1984-12-13")

    answer = person.patch(f"{PATIENTS}/{patient['id']}", {"curp": GUADALUPE["curp"]})

    assert (answer.status, answer.problem) == (422, "rule_violated")


def test_the_database_refuses_a_birth_in_the_future_by_itself(erp: Erp, person: Person):
    far = Patient(
        chart_number="E-1", given_names="Nadie", first_surname="Aún", birth_date=date(2999, 1, 1), nationality="MX"
    )

    with pytest.raises(Exception, match="ck_patients_birth_date"):
        erp.units.run(erp.actor(person), lambda ctx: ctx.session.add(far))


def test_the_same_curp_is_the_same_person(person: Person):
    make(person)

    answer = create(person, given_names="Otra")

    assert (answer.status, answer.problem, answer.body["pointer"]) == (409, "duplicate", "/curp")


def test_an_archived_patients_curp_is_free_until_it_is_restored(person: Person):
    first = make(person)
    person.delete(f"{PATIENTS}/{first['id']}")

    second = create(person)
    restored = person.post(f"{PATIENTS}/{first['id']}/restore")

    assert (second.status, restored.status, restored.problem) == (201, 409, "duplicate")


def test_provisional_patients_have_no_curp_and_may_be_many(person: Person):
    answers = [create(person, curp=None, given_names=name) for name in ("Rosa", "Rosa")]

    assert [answer.status for answer in answers] == [201, 201]


def test_two_companies_may_know_the_same_person(person: Person, stranger: Person):
    mine = make(person)

    answer = create(stranger)

    assert answer.status == 201
    assert stranger.get(f"{PATIENTS}/{mine['id']}").status == 404


def test_a_patient_is_found_by_surname_without_accents(person: Person):
    make(person)

    found = person.items(f"{PATIENTS}?q=hernandez lop&fields=given_names")

    assert [item["given_names"] for item in found] == ["María Guadalupe"]


def test_reading_a_patient_leaves_a_trace(erp: Erp, person: Person):
    patient = make(person)
    nurse = role(erp, person, "nurse")

    nurse.get(f"{PATIENTS}/{patient['id']}")

    about = (AuditEntry.object_id == UUID(patient["id"]), AuditEntry.action == "read")
    readers = select(AuditEntry.user_id).where(AuditEntry.tenant_id == person.tenant_id, *about)
    assert erp.units.run(erp.actor(person), lambda ctx: list(ctx.session.scalars(readers))) == [nurse.user_id]


def test_events_carry_no_names(erp: Erp, person: Person):
    make(person)

    mine = (OutboxEntry.tenant_id == person.tenant_id, OutboxEntry.name == "clinicas.patients.created")
    payloads = erp.units.run(
        erp.actor(person), lambda ctx: list(ctx.session.scalars(select(OutboxEntry.payload).where(*mine)))
    )
    assert [sorted(payload) for payload in payloads] == [["id", "version"]]


def test_there_is_one_chart_for_each_patient(person: Person):
    patient = make(person)["id"]

    first, second = (person.post(CHARTS, {"patient_id": patient, "blood_type": "O+"}) for _ in range(2))

    assert (first.status, second.status, second.body["pointer"]) == (201, 409, "/patient_id")


def test_a_chart_is_never_archived(person: Person):
    chart = person.post(CHARTS, {"patient_id": make(person)["id"]}).body["id"]

    answer = person.delete(f"{CHARTS}/{chart}")

    assert answer.status == 405


@pytest.mark.parametrize(
    ("name", "patients", "charts"),
    [
        ("reception", 200, 403),
        ("admin", 200, 403),
        ("auditor", 403, 403),
        ("billing", 200, 403),
        ("nurse", 200, 200),
        ("physician", 200, 200),
    ],
)
def test_reception_admin_and_auditor_do_not_read_charts(
    erp: Erp, person: Person, name: str, patients: int, charts: int
):
    patient = make(person)["id"]
    chart = person.post(CHARTS, {"patient_id": patient, "background": "Hipertensión"}).body["id"]
    reader = role(erp, person, name)

    answers = [reader.get(f"{PATIENTS}/{patient}"), reader.get(f"{CHARTS}/{chart}"), reader.get(CHARTS)]

    assert [answer.status for answer in answers] == [patients, charts, charts]


def test_another_company_reaches_no_chart(person: Person, stranger: Person):
    patient = make(person)["id"]
    chart = person.post(CHARTS, {"patient_id": patient}).body["id"]

    answers = [stranger.get(f"{CHARTS}/{chart}"), stranger.post(CHARTS, {"patient_id": patient})]

    assert [(answer.status, answer.problem) for answer in answers] == [(404, "not_found"), (422, "unknown_reference")]


@pytest.mark.parametrize(
    ("facts", "problem"),
    [
        ({"clues": "JC12"}, "clinicas_invalid_clues"),
        ({"time_zone": "America/Guadalajara"}, "clinicas_unknown_time_zone"),
        ({"name": "  "}, "invalid_input"),
    ],
)
def test_a_site_has_a_real_code_and_clock(person: Person, facts: dict[str, Any], problem: str):
    answer = person.post(SITES, {"name": "Consultorio Centro"} | facts)

    assert (answer.status, answer.problem) == (422, problem)


def test_a_sites_code_is_kept_in_capitals(person: Person):
    answer = person.post(SITES, {"name": "Consultorio Centro", "clues": "jcsmp 004213"})

    assert (answer.status, answer.body["clues"], answer.body["time_zone"]) == (
        201,
        "JCSMP004213",
        "America/Mexico_City",
    )


def test_a_practitioners_user_is_a_member_of_the_company(person: Person, stranger: Person):
    facts = {"given_names": "Elena", "first_surname": "Casillas"}

    answers = [
        person.post(PRACTITIONERS, facts | {"user_id": str(user)})
        for user in (person.user_id, stranger.user_id, uuid4())
    ]

    assert [(answer.status, answer.problem) for answer in answers] == [
        (201, None),
        (422, "unknown_reference"),
        (422, "unknown_reference"),
    ]


def test_a_licence_is_kept_as_digits_and_belongs_to_one(person: Person):
    facts = {"given_names": "Elena", "first_surname": "Casillas"}

    answers = [person.post(PRACTITIONERS, facts | {"licence_number": text}) for text in ("812-3456", "8123456", "12")]

    assert answers[0].body["licence_number"] == "8123456"
    assert [answer.problem for answer in answers[1:]] == ["duplicate", "clinicas_invalid_licence"]
