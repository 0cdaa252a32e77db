"""Who asks, for which tenant, and the open transaction: what every command is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec
import pluggy
from sqlalchemy.orm import Session

from erp_core.kernel.database.model import TenantRow
from erp_core.kernel.errors import Forbidden, NotFound
from erp_core.kernel.ids import new_id

Row = TypeVar("Row", bound=TenantRow)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a user with a token, a background task for a user, or an operator (``user_id`` is ``None``)."""

    tenant_id: UUID
    user_id: UUID | None = None
    permissions: frozenset[str] = frozenset()
    request_id: str = ""
    address: str = ""
    user_agent: str = ""
    session_id: UUID | None = None
    language: str = "es_MX"
    time_zone: str = "America/Mexico_City"


@dataclass(frozen=True, slots=True)
class Pending:
    """An outbox entry of this transaction: an event or a task, and the queue that it goes to."""

    id: UUID
    kind: str
    name: str
    queue: str
    payload: Any


def past_of(action: str) -> str:
    """Name the event of an action: create, update, archive, restore and delete become created … deleted."""
    return f"{action}d"


def utc_now() -> datetime:
    """Tell the time; the default clock of a context."""
    return datetime.now(UTC)


@dataclass(slots=True)
class Context:
    """One unit of work: an open session in one tenant, the actor, the clock and the hooks.

    Services take it first and never commit. Nothing of it outlives the transaction.
    """

    session: Session
    actor: Actor
    hooks: pluggy.HookRelay
    now: Callable[[], datetime] = utc_now
    pending: list[Pending] = field(default_factory=list)
    audited: list[dict[str, Any]] = field(default_factory=list)

    @property
    def tenant_id(self) -> UUID:
        return self.actor.tenant_id

    @property
    def user_id(self) -> UUID | None:
        return self.actor.user_id

    def get(self, model: type[Row], row_id: UUID, *, lock: bool = False) -> Row:
        """Read one row of this tenant, locked for update if asked; ``NotFound`` when there is none."""
        found = self.session.get(model, (self.tenant_id, row_id), with_for_update=True if lock else None)
        if found is None:
            raise NotFound
        return found

    def require(self, permission: str) -> None:
        """Refuse an actor without the permission."""
        if permission not in self.actor.permissions:
            raise Forbidden(permission=permission)

    def emit(self, name: str, payload: msgspec.Struct | dict[str, Any]) -> None:
        """Announce what happened, as ``<slug>.<plural>.<what>``; it leaves only if the transaction commits."""
        if name.count(".") < 2:
            raise ValueError(f"{name!r} is not an event name such as core.partners.created.")
        self._add("event", name, msgspec.to_builtins(payload))

    def defer(self, task: str, **arguments: Any) -> UUID:
        """Start a task after the commit; gives the message id. ``task`` is its full name, ``core.import_rows``."""
        if task.count(".") != 1:
            raise ValueError(f"{task!r} is not a task name such as core.import_rows.")
        return self._add("task", task, msgspec.to_builtins(arguments))

    def audit(self, resource: str, object_id: UUID, action: str, before: Any = None, after: Any = None) -> None:
        """Record a change that the session cannot see by itself, in this transaction."""
        self.audited.append(
            {"resource": resource, "object_id": object_id, "action": action, "before": before, "after": after}
        )

    def _add(self, kind: str, name: str, payload: Any) -> UUID:
        entry = Pending(new_id(), kind, name, name.partition(".")[0], payload)
        self.pending.append(entry)
        return entry.id
