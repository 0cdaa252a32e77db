"""Posting stock and taking a movement back."""

from __future__ import annotations

from uuid import UUID

from erp_core.inventory import errors, services
from erp_core.inventory.posting import plan_moves
from erp_core.inventory.schemas import PostedMoves, PostMoves, ReverseMovement
from erp_core.kernel.context import Context
from erp_core.kernel.errors import UnknownReference
from erp_core.kernel.http.everyday import EverydayRoute
from erp_core.kernel.http.routing import Route, route
from erp_core.products.errors import UnitMismatch

REFUSALS = (
    errors.ArchivedLocation,
    errors.ArchivedProduct,
    errors.InexactQuantity,
    errors.InsufficientStock,
    errors.NoLines,
    errors.QuantityNotPositive,
    errors.QuantityTooLarge,
    errors.SameLocation,
    errors.TooManyLines,
    errors.UntrackedProduct,
    UnitMismatch,
    UnknownReference,
)

post_moves = EverydayRoute(
    method="POST",
    path="/moves",
    permission="core.movements.post",
    data=PostMoves,
    plan=plan_moves,
    summary="Post stock movements, all or none.",
    answer=PostedMoves,
    problems=REFUSALS,
)


@route(
    "POST",
    "/moves/{movement_id:uuid}/reverse",
    "core.movements.reverse",
    status=201,
    problems=(
        errors.AlreadyReversed,
        errors.ReversalNotReversible,
        errors.InsufficientStock,
        errors.ArchivedLocation,
        errors.ArchivedProduct,
    ),
)
def reverse_movement(ctx: Context, movement_id: UUID, data: ReverseMovement) -> PostedMoves:
    """Take a movement back by one that goes the other way; each movement once."""
    return services.reverse_movement(ctx, movement_id, data)


ROUTES: tuple[Route | EverydayRoute, ...] = (post_moves, reverse_movement)
