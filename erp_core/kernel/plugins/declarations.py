"""Small things that packages declare as data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from erp_core.kernel.plugins.manifest import Label

if TYPE_CHECKING:
    from erp_core.kernel.context import Context


@dataclass(frozen=True, slots=True)
class RoleTemplate:
    """A role that a new tenant is offered.

    ``permissions`` are full names (``vidrio.glass_types.read``) or end in ``.*`` for all below a prefix.
    """

    name: str
    label: Label
    permissions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DemoStep:
    """One step of the demo data: what it loads, for which demo tenant, and the function that does it.

    ``tenant`` is the slug of a demo tenant (``constructora-del-valle`` or ``abarrotes-la-esquina``).
    """

    label: Label
    tenant: str
    load: Callable[[Context], None]
