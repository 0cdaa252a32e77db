"""Business actions of parts."""

from __future__ import annotations

from erp_core.kernel.context import Context
from erp_core.kernel.http.routing import Route, route
from erp_mecanicas.parts_mgmt import services
from erp_mecanicas.parts_mgmt.errors import PartNumberEmpty
from erp_mecanicas.parts_mgmt.schemas import PartFound, PartQuery


@route("GET", "/part-search", "mecanicas.part_profiles.read", problems=(PartNumberEmpty,))
def find_parts(ctx: Context, query: PartQuery) -> list[PartFound]:
    """Find parts by the beginning of a number, written in any way."""
    return services.find_parts(ctx, query.number)


ROUTES: tuple[Route, ...] = (find_parts,)
