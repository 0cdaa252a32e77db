"""Business actions of a shop."""

from __future__ import annotations

from uuid import UUID

from erp_core.kernel.context import Context
from erp_core.kernel.errors import NotFound, WrongState
from erp_core.kernel.http.routing import Route, route
from erp_pos.shop import services
from erp_pos.shop.schemas import DeviceState


@route("POST", "/devices/{device_id:uuid}/retire", "pos.devices.retire", problems=(NotFound, WrongState))
def retire_device(ctx: Context, device_id: UUID) -> DeviceState:
    """Put a device out of use for good."""
    return services.retire_device(ctx, device_id)


@route("POST", "/devices/{device_id:uuid}/lost", "pos.devices.lose", problems=(NotFound, WrongState))
def report_device_lost(ctx: Context, device_id: UUID) -> DeviceState:
    """Shut out a device that was lost or stolen."""
    return services.report_device_lost(ctx, device_id)


ROUTES: tuple[Route, ...] = (retire_device, report_device_lost)
