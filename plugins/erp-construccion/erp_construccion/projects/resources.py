"""What of jobs the platform serves."""

from __future__ import annotations

from erp_construccion.projects import rules
from erp_construccion.projects.models import Project, StructureNode
from erp_construccion.projects.schemas import ProjectIn, StructureNodeIn
from erp_core.kernel.plugins.manifest import Label
from erp_core.kernel.resources.declaration import Resource

# The state and the actual dates are not in the body: `POST /projects/{id}/move` changes them.
projects = Resource(
    name="construccion.projects",
    model=Project,
    label=Label("Obra", "Project"),
    plural=Label("Obras", "Projects"),
    read=(
        "code", "name", "client_id", "kind", "contract_kind", "state", "address", "municipality", "federal_entity",
        "postal_code", "latitude", "longitude", "planned_start", "planned_end", "actual_start", "actual_end",
    ),
    create=ProjectIn,
    filters=("code", "client_id", "kind", "state", "planned_end"),
    sorts=("name", "code", "created_at"),
    sort_by={"name": "name_key"},
    default_sort="name",
    search="name_key",
    references={"client_id": "core.partners"},
    lookups={"client_id": "code"},
    prepare=rules.prepare_project,
)  # fmt: skip

# Where a node hangs is fixed: moving it would take what was measured and billed there to another place.
structure_nodes = Resource(
    name="construccion.structure_nodes",
    model=StructureNode,
    label=Label("Elemento de la estructura", "Structure node"),
    plural=Label("Estructura de la obra", "Structure nodes"),
    read=("project_id", "parent_id", "kind", "code", "name", "area_m2"),
    create=StructureNodeIn,
    fixed=("project_id", "parent_id"),
    filters=("project_id", "parent_id", "code"),
    sorts=("name", "code", "created_at"),
    sort_by={"name": "name_key"},
    default_sort="code",
    search="name_key",
    references={"project_id": "construccion.projects", "parent_id": "construccion.structure_nodes"},
    lookups={"project_id": "code"},
    prepare=rules.prepare_node,
)

RESOURCES: tuple[Resource, ...] = (projects, structure_nodes)
