"""What of patients the platform serves; reading either object is noted."""

from __future__ import annotations

from erp_clinicas.patients import rules
from erp_clinicas.patients.models import Chart, Patient
from erp_clinicas.patients.schemas import ChartIn, PatientIn
from erp_core.kernel.plugins.manifest import Label
from erp_core.kernel.resources.declaration import Resource

patients = Resource(
    name="clinicas.patients",
    model=Patient,
    label=Label("Paciente", "Patient"),
    plural=Label("Pacientes", "Patients"),
    read=(
        "chart_number", "kind", "given_names", "first_surname", "second_surname", "birth_date", "sex", "curp",
        "curp_confirmed", "nationality", "phones", "email", "address", "deceased_on",
    ),
    create=PatientIn,
    filters=("chart_number", "curp", "birth_date"),
    sorts=("name", "chart_number", "created_at"),
    sort_by={"name": "name_key"},
    default_sort="name",
    search="name_key",
    prepare=rules.prepare_patient,
    sensitive=True,
)  # fmt: skip

# A permission covers a whole object, so what reception may not read is an object of its own. A chart is never archived.
charts = Resource(
    name="clinicas.charts",
    model=Chart,
    label=Label("Expediente", "Chart"),
    plural=Label("Expedientes", "Charts"),
    read=("patient_id", "blood_type", "background"),
    create=ChartIn,
    fixed=("patient_id",),
    filters=("patient_id",),
    references={"patient_id": "clinicas.patients"},
    operations=frozenset({"list", "read", "create", "update"}),
    sensitive=True,
)

RESOURCES: tuple[Resource, ...] = (patients, charts)
