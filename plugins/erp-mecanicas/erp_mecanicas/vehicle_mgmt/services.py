"""Commands and readings about vehicles."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from msgspec import structs, to_builtins
from sqlalchemy import ColumnElement, select

from erp_core.kernel.context import Context
from erp_core.kernel.ids import new_id
from erp_mecanicas.codes.vin import MalformedVin, decode_vin
from erp_mecanicas.vehicle_mgmt import rules
from erp_mecanicas.vehicle_mgmt.errors import ReadingInFuture, VinInvalid
from erp_mecanicas.vehicle_mgmt.models import Reading, Vehicle
from erp_mecanicas.vehicle_mgmt.schemas import ReadingIn, ReadingTaken, VinView

# A telephone's clock may run ahead by this much.
CLOCK_TOLERANCE = timedelta(minutes=5)


def take_reading(ctx: Context, vehicle_id: UUID, data: ReadingIn) -> ReadingTaken:
    """Note what a vehicle's meters say, or refuse a meter that runs backwards."""
    taken_at = data.taken_at or ctx.now()
    if taken_at > ctx.now() + CLOCK_TOLERANCE:
        raise ReadingInFuture(pointer="/taken_at", taken_at=taken_at.isoformat())
    meters = rules.Meters(data.km, data.hours, taken_at)
    explained = data.meter_replaced or data.source == "correction"
    rules.check_meters(meters, explained=explained, reason=data.reason)
    # Two readings of one vehicle at once would each be compared with the one before both.
    ctx.get(Vehicle, vehicle_id, lock=True)
    last = _neighbour(ctx, vehicle_id, taken_at, before=True)
    if not explained:
        rules.refuse_backwards(meters, last, _neighbour(ctx, vehicle_id, taken_at, before=False))
    warnings = [] if explained or not rules.jump_suspected(meters, last) else ["jump_suspected"]
    return _store(ctx, vehicle_id, data, taken_at, warnings)


def explain_vin(ctx: Context, vin: str) -> VinView:
    """Tell what a VIN says of itself."""
    try:
        found = decode_vin(vin, ctx.now().year)
    except MalformedVin as error:
        raise VinInvalid(pointer="/vin", reason=error.reason, position=error.position) from None
    likely, other = (*found.model_years, None, None)[:2]
    return VinView(
        vin=found.vin,
        check_digit_valid=found.check_digit_valid,
        expected_digit=found.expected_digit,
        found_digit=found.found_digit,
        check_required=found.check_required,
        region=found.region,
        maker=found.maker,
        country=found.country,
        model_year=likely,
        other_model_year=other,
        serial=found.serial,
        warnings=list(found.warnings),
    )


def _store(ctx: Context, vehicle_id: UUID, data: ReadingIn, taken_at: datetime, warnings: list[str]) -> ReadingTaken:
    facts = {**structs.asdict(data), "taken_at": taken_at, "vehicle_id": vehicle_id}
    reading = Reading(tenant_id=ctx.tenant_id, id=new_id(), created_by=ctx.user_id, **facts)
    ctx.session.add(reading)
    taken = ReadingTaken(id=reading.id, warnings=warnings, **facts)
    ctx.audit("mecanicas.readings", reading.id, "create", None, to_builtins(taken))
    ctx.emit("mecanicas.readings.created", {"id": str(reading.id), "vehicle_id": str(vehicle_id)})
    return taken


def _neighbour(ctx: Context, vehicle_id: UUID, moment: datetime, *, before: bool) -> rules.Meters | None:
    """Give the last figures of each meter before a moment (or the first ones after it), up to a change of meter."""
    time: ColumnElement[bool] = Reading.taken_at <= moment if before else Reading.taken_at > moment
    order = (Reading.taken_at.desc(), Reading.id.desc()) if before else (Reading.taken_at, Reading.id)
    nearest = (
        select(Reading)
        .where(Reading.tenant_id == ctx.tenant_id, Reading.vehicle_id == vehicle_id, time)
        .order_by(*order)
    )
    km = hours = found_at = None
    for reading in ctx.session.scalars(nearest.limit(50)):
        changed = reading.meter_replaced or reading.source == "correction"
        if changed and not before:
            break
        km = reading.km if km is None else km
        hours = reading.hours if hours is None else hours
        found_at = found_at or reading.taken_at
        if changed or (km is not None and hours is not None):
            break
    return rules.Meters(km, hours, found_at) if found_at is not None else None
