"""The table of contents of erp-clinicas: its manifest and its hooks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from erp_clinicas import demo as demo_data
from erp_clinicas.appointments import resources as appointment_resources
from erp_clinicas.patients import resources as patient_resources
from erp_clinicas.roles import ROLES
from erp_core.kernel.plugins.manifest import Label, Manifest
from erp_core.kernel.plugins.specs import hookimpl

if TYPE_CHECKING:
    from erp_core.kernel.plugins.declarations import DemoStep, RoleTemplate
    from erp_core.kernel.resources.declaration import Resource

manifest = Manifest(
    slug="clinicas",
    package="erp_clinicas",
    label=Label("Clínicas", "Clinics"),
    version="0.1.0",
    core=">=0.1,<0.2",
    api_port=3061,
    web_port=3060,
    schemas=("clinicas",),
    redis_db=5,
    uses=("auth", "core.partners"),
)


@hookimpl
def resources() -> Sequence[Resource]:
    return (*patient_resources.RESOURCES, *appointment_resources.RESOURCES)


@hookimpl
def roles() -> Sequence[RoleTemplate]:
    return ROLES


@hookimpl
def demo() -> Sequence[DemoStep]:
    return demo_data.STEPS
