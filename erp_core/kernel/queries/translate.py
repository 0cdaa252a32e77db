"""From what the database refuses to what a caller can act upon."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Table, UniqueConstraint

from erp_core.kernel.database.model import REFUSALS, Base
from erp_core.kernel.errors import (
    DatabaseAway,
    Duplicate,
    IdempotencyInFlight,
    InvalidInput,
    Overlap,
    Problem,
    RuleViolated,
    StaleVersion,
    StillReferenced,
    UnknownReference,
    every_problem,
)
from erp_core.kernel.queries.pipeline_errors import DatabaseError

REFUSED = "ERP01"  # the SQLSTATE that core.refuse raises
DATA_EXCEPTION = "22"  # the class of every SQLSTATE that says that a value is at fault
_BUSY = {"40001", "40P01", "55P03", "57014", "53300", "57P01", "57P03", "25P03"}


def refusal_for(  # noqa: PLR0911 - one line for each kind of refusal
    error: DatabaseError, table: Table | None = None
) -> Problem | None:
    """Translate an error of the database; ``None`` for what should not happen (then it is an internal error)."""
    table = table if table is not None else Base.metadata.tables.get(f"{error.schema}.{error.table}")
    if error.sqlstate == REFUSED:
        return _refused(error)
    named = refusals_of(table).get(error.constraint or "")
    if named is not None:
        fields = _columns(error.constraint, table)
        return named(pointer=f"/{fields[-1]}" if fields else None)
    if error.sqlstate == "23505":
        return _duplicate(error, table)
    if error.sqlstate == "23503":
        return _reference(error, table)
    if error.sqlstate == "23P01":
        return Overlap(rule=_rule(error.constraint, table))
    if error.sqlstate == "23514":
        return RuleViolated(rule=_rule(error.constraint, table))
    if error.sqlstate.startswith(DATA_EXCEPTION) or error.sqlstate == "23502":
        return InvalidInput(reason=error.message)
    if error.sqlstate in _BUSY:
        return DatabaseAway()
    return None


def refusals_of(table: Table | None) -> Mapping[str, type[Problem]]:
    """Give a table's own refusals by constraint, as its resource declares them."""
    found: Mapping[str, type[Problem]] = table.info.get(REFUSALS, {}) if table is not None else {}
    return found


def _refused(error: DatabaseError) -> Problem | None:
    kind = every_problem().get(error.message)
    if kind is None:
        return None
    facts: dict[str, Any] = msgspec.json.decode(error.detail) if error.detail else {}
    if kind in {StaleVersion, IdempotencyInFlight}:
        return kind()
    problem = Problem.__new__(kind)
    Problem.__init__(problem, pointer=facts.pop("pointer", None), **facts)
    return problem


def _columns(constraint: str | None, table: Table | None) -> list[str]:
    if table is None or constraint is None:
        return []
    named: list[Any] = [*table.constraints, *table.indexes]
    for item in named:
        if item.name == constraint and isinstance(item, (UniqueConstraint, ForeignKeyConstraint, Index)):
            return [column.name for column in item.columns if column.name != "tenant_id"]
    return []


def _duplicate(error: DatabaseError, table: Table | None) -> Problem:
    fields = _columns(error.constraint, table)
    # The last column is the one that tells two apart: (store, code) repeats the code.
    return Duplicate(fields=" and ".join(fields) or "kind", pointer=f"/{fields[-1]}" if fields else None)


def _reference(error: DatabaseError, table: Table | None) -> Problem:
    fields = _columns(error.constraint, table)
    if table is None or not fields or (error.message or "").startswith("update or delete"):
        return StillReferenced(by=error.table or "another table")
    # A key of three columns, such as (tenant, project, parent), repeats one that has a key of its own.
    others = [key for key in table.foreign_key_constraints if key.name != error.constraint]
    own = [field for field in fields if not any(field in key.columns for key in others)]
    field = (own or fields)[-1]
    return UnknownReference(field=field, pointer=f"/{field}")


def _rule(constraint: str | None, table: Table | None) -> str:
    if constraint is None or table is None:
        return constraint or "check"
    names = {item.name for item in table.constraints if isinstance(item, CheckConstraint)}
    return constraint.removeprefix(f"ck_{table.name}_") if constraint in names else constraint
