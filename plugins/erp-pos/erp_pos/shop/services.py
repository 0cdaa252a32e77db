"""Commands about a shop's devices."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from erp_core.kernel.context import Context
from erp_core.kernel.errors import WrongState
from erp_pos.shop.models import Device
from erp_pos.shop.schemas import DeviceState

# To which state a device may come, and from which.
MOVES: Mapping[str, tuple[str, ...]] = {"retired": ("active", "lost"), "lost": ("active",)}


def retire_device(ctx: Context, device_id: UUID) -> DeviceState:
    """Put a device out of use for good; its code and its past commands stay."""
    return _move(ctx, device_id, "retired")


def report_device_lost(ctx: Context, device_id: UUID) -> DeviceState:
    """Shut out a device that is no longer in the owner's hands."""
    return _move(ctx, device_id, "lost")


def _move(ctx: Context, device_id: UUID, state: str) -> DeviceState:
    device = ctx.get(Device, device_id, lock=True)
    if device.state not in MOVES[state]:
        allowed = [to for to, sources in MOVES.items() if device.state in sources]
        raise WrongState(document=device.code, state=device.state, allowed=", ".join(allowed) or "-")
    device.state = state
    # The flush raises the version that is answered.
    ctx.session.flush()
    ctx.emit(f"pos.devices.{state}", {"id": str(device.id), "code": device.code})
    return DeviceState(id=device.id, code=device.code, state=device.state, version=device.version)
