"""Business actions of vehicles."""

from __future__ import annotations

from uuid import UUID

from erp_core.kernel.context import Context
from erp_core.kernel.errors import NotFound
from erp_core.kernel.http.routing import Route, route
from erp_mecanicas.vehicle_mgmt import services
from erp_mecanicas.vehicle_mgmt.errors import (
    InvalidMeter,
    MeterMissing,
    ReadingAboveNext,
    ReadingBelowLast,
    ReadingInFuture,
    ReasonMissing,
    VinInvalid,
)
from erp_mecanicas.vehicle_mgmt.schemas import ReadingIn, ReadingTaken, VinView

_READING = (NotFound, ReadingBelowLast, ReadingAboveNext, ReadingInFuture, ReasonMissing, MeterMissing, InvalidMeter)


@route("POST", "/vehicles/{vehicle_id:uuid}/readings", "mecanicas.readings.create", status=201, problems=_READING)
def take_reading(ctx: Context, vehicle_id: UUID, data: ReadingIn) -> ReadingTaken:
    """Note what a vehicle's meters say."""
    return services.take_reading(ctx, vehicle_id, data)


@route("GET", "/vin/{vin:str}", "mecanicas.vehicles.decode", problems=(VinInvalid,))
def explain_vin(ctx: Context, vin: str) -> VinView:
    """Decode a vehicle identification number."""
    return services.explain_vin(ctx, vin)


ROUTES: tuple[Route, ...] = (take_reading, explain_vin)
