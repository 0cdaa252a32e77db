"""Routes of the writes that users make all day: planned as statements, sent in one round trip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from erp_core.kernel.context import Actor
from erp_core.kernel.queries.plan import Plan


@dataclass(frozen=True, slots=True)
class EverydayRoute:
    """A write whose statements are known from its body alone.

    ``plan(actor, data)`` is pure: it checks the body, raises a ``Problem`` or gives the ``Plan``. The kernel adds the
    tenant, the idempotency key and the commit, and sends all of it at once.
    """

    method: str
    path: str
    permission: str
    data: type[msgspec.Struct]
    plan: Callable[[Actor, Any], Plan]
    summary: str
    answer: Any = None
    status: int = 201
    problems: tuple[type[Exception], ...] = ()

    @property
    def name(self) -> str:
        return self.plan.__name__.removeprefix("plan_")
