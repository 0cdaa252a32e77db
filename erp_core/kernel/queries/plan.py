"""An everyday write: its statements, known before the first is sent, so that all travel together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from erp_core.kernel.errors import Problem

if TYPE_CHECKING:
    from erp_core.kernel.queries.pipeline import Call, DatabaseError


@dataclass(slots=True)
class Plan:
    """The statements of one write, in order, all in one transaction.

    ``answer`` is the index of the call whose first row holds the answer: column 0 the JSON text, column 1 (if present)
    the version for the ETag. ``refuse`` turns a database error (a constraint, or a code raised by ``core.refuse``) into
    the refusal of the trade; ``None`` leaves it to the kernel's general translation.
    """

    calls: list[Call]
    answer: int
    status: int = 201
    refuse: Callable[[DatabaseError], Problem | None] | None = None
