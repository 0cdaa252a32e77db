"""Identifiers made by the application."""

from __future__ import annotations

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """Give a UUIDv7: unique everywhere, and ordered by the time it was made."""
    return uuid7()
