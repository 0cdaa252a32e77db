"""Commands about a shop's devices."""

from __future__ import annotations

from uuid import UUID

from erp_core.kernel.context import Context
from erp_pos.shop.errors import WrongState
from erp_pos.shop.models import Device
from erp_pos.shop.schemas import DeviceState


def retire_device(ctx: Context, device_id: UUID) -> DeviceState:
    """Put a device out of use for good; its code and its past commands stay."""
    return _move(ctx, device_id, "retired", needed=("active", "lost"))


def report_device_lost(ctx: Context, device_id: UUID) -> DeviceState:
    """Shut out a device that is no longer in the owner's hands."""
    return _move(ctx, device_id, "lost", needed=("active",))


def _move(ctx: Context, device_id: UUID, state: str, *, needed: tuple[str, ...]) -> DeviceState:
    device = ctx.get(Device, device_id, lock=True)
    if device.state not in needed:
        raise WrongState(state=device.state, needed=" or ".join(needed))
    device.state = state
    # The flush raises the version that is answered.
    ctx.session.flush()
    ctx.emit(f"pos.devices.{state}", {"id": str(device.id), "code": device.code})
    return DeviceState(id=device.id, code=device.code, state=device.state, version=device.version)
