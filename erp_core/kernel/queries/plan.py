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

    ``answer`` is the index of the last call, whose first row holds the answer: column 0 the JSON text, column 1 (if
    present) the version for the ETag. With ``plain_answer`` that call is a SELECT without data-modifying parts, so the
    kernel can store what it answers beside an idempotency key in the same statement; a plan whose answer is not plain
    gives ``keyed``, the same plan in that form. ``refuse`` turns a database error (a constraint, or a code raised by
    ``core.refuse``) into the refusal of the trade; ``None`` leaves it to the kernel's general translation.
    """

    calls: list[Call]
    answer: int
    status: int = 201
    refuse: Callable[[DatabaseError], Problem | None] | None = None
    plain_answer: bool = True
    keyed: Callable[[], Plan] | None = None
