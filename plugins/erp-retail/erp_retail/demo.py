"""One branch and its till for the corner shop."""

from __future__ import annotations

import logging

from sqlalchemy import select

from erp_core.kernel.context import Context
from erp_core.kernel.ids import new_id
from erp_core.kernel.plugins.declarations import DemoStep
from erp_core.kernel.plugins.manifest import Label
from erp_retail.pos.models import LOCATIONS, Store, Terminal

LOCATION = "TIENDA"
STORE = "CENTRO"
SERIES = "C1"

log = logging.getLogger(__name__)


def load_branch(ctx: Context) -> None:
    """Load a branch that sells from the shop's shelves, with one till; what is there stays as it is."""
    if ctx.session.scalar(select(Store.id).where(Store.tenant_id == ctx.tenant_id, Store.code == STORE)) is not None:
        return
    shelves = select(LOCATIONS.c.id).where(LOCATIONS.c.tenant_id == ctx.tenant_id, LOCATIONS.c.code == LOCATION)
    location_id = ctx.session.scalar(shelves)
    if location_id is None:
        log.warning("The demo branch is left out, because the location %s that it sells from is not there.", LOCATION)
        return
    store = Store(
        id=new_id(),
        code=STORE,
        name="Sucursal Centro",
        time_zone="America/Mexico_City",
        location_id=location_id,
        tax_zone="general",
    )
    ctx.session.add(store)
    ctx.session.flush()
    ctx.session.add(Terminal(id=new_id(), store_id=store.id, code="CAJA-1", series=SERIES, printer_profile="80mm"))


STEPS: tuple[DemoStep, ...] = (
    DemoStep(Label("Una sucursal y su caja", "A branch and its till"), "abarrotes-la-esquina", load_branch),
)
