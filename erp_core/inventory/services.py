"""Commands about stock."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import msgspec
from msgspec import structs
from sqlalchemy import and_, func, or_, select

from erp_core.inventory.errors import (
    AlreadyReversed,
    LocationInUse,
    NoSuchLocation,
    ProductInStock,
    ReversalNotReversible,
)
from erp_core.inventory.models import Balance, Location, Movement
from erp_core.inventory.posting import plan_posting
from erp_core.inventory.rules import VIRTUAL_KINDS, prepare_location
from erp_core.inventory.schemas import LocationIn, MoveLine, PostedMoves, PostMoves, ReverseMovement
from erp_core.kernel.context import Context
from erp_core.kernel.errors import InternalError
from erp_core.kernel.ids import new_id
from erp_core.kernel.queries.plan import Plan
from erp_core.kernel.queries.sync import execute_plan

# The virtual locations that every tenant starts with: code, Spanish name, kind.
STANDARD_LOCATIONS = (
    ("PROVEEDORES", "Proveedores", "supplier"),
    ("CLIENTES", "Clientes", "customer"),
    ("MERMAS", "Mermas y ajustes", "loss"),
    ("PRODUCCION", "Producción", "production"),
    ("TRANSITO", "En tránsito", "transit"),
)


def post_moves(ctx: Context, data: PostMoves) -> PostedMoves:
    """Post movements inside the open transaction; the same statements as `POST /moves`.

    Post once in a transaction, with all its lines: two postings in one may lock balances in an order that another
    transaction crosses, which costs a retry.
    """
    return _run(ctx, plan_posting(ctx.actor, data))


def reverse_movement(ctx: Context, movement_id: UUID, data: ReverseMovement) -> PostedMoves:
    """Take a movement back by one that goes the other way; each movement once."""
    movement = ctx.get(Movement, movement_id)
    if movement.reverses_id is not None:
        raise ReversalNotReversible
    done = select(Movement.id).where(Movement.tenant_id == ctx.tenant_id, Movement.reverses_id == movement_id)
    if ctx.session.scalar(done) is not None:
        raise AlreadyReversed
    line = MoveLine(
        product_id=movement.product_id,
        from_location_id=movement.to_location_id,
        to_location_id=movement.from_location_id,
        quantity=movement.quantity,
    )
    posting = PostMoves(lines=[line], document=movement.document, reason=data.reason)
    return _run(ctx, plan_posting(ctx.actor, posting, reverses_id=movement_id))


def _run(ctx: Context, plan: Plan) -> PostedMoves:
    answer = execute_plan(ctx, plan)
    if answer is None:
        raise InternalError(request_id=ctx.actor.request_id)
    # The session may hold balances that the statements changed behind its back.
    ctx.session.expire_all()
    return msgspec.json.decode(answer, type=PostedMoves)


def archive_location(ctx: Context, location_id: UUID) -> None:
    """Archive a location that holds nothing; postings that are under way are waited for."""
    location = ctx.get(Location, location_id, lock=True)
    if location.kind not in VIRTUAL_KINDS:
        held = or_(Balance.on_hand != 0, Balance.reserved != 0)
        count = select(func.count()).where(Balance.tenant_id == ctx.tenant_id, Balance.location_id == location_id, held)
        products = ctx.session.scalar(count)
        if products:
            raise LocationInUse(location=location.code, products=products)
    location.archived_at = ctx.now()


def refuse_product_in_stock(ctx: Context, product_id: UUID) -> None:
    """Refuse the archiving of a product that some internal location holds: its stock could not be moved any more."""
    total = (
        select(func.coalesce(func.sum(func.abs(Balance.on_hand)), 0))
        .join(Location, and_(Location.tenant_id == Balance.tenant_id, Location.id == Balance.location_id))
        .where(
            Balance.tenant_id == ctx.tenant_id,
            Balance.product_id == product_id,
            Location.kind.not_in(VIRTUAL_KINDS),
        )
    )
    on_hand = ctx.session.scalar(total) or Decimal(0)
    if on_hand:
        raise ProductInStock(on_hand=f"{on_hand.normalize():f}")


def find_location(ctx: Context, kind: str) -> UUID:
    """Find the tenant's first active location of a kind, such as ``customer`` for the other side of a sale."""
    query = (
        select(Location.id)
        .where(Location.tenant_id == ctx.tenant_id, Location.kind == kind, Location.archived_at.is_(None))
        .order_by(Location.id)
        .limit(1)
    )
    found = ctx.session.scalar(query)
    if found is None:
        raise NoSuchLocation(kind=kind)
    return found


def seed_locations(ctx: Context) -> dict[str, UUID]:
    """Give a tenant the virtual locations that it lacks; returns the ids of all its locations by code."""
    query = select(Location.code, Location.id).where(Location.tenant_id == ctx.tenant_id)
    ids: dict[str, UUID] = dict(ctx.session.execute(query).all())
    for code, name, kind in STANDARD_LOCATIONS:
        if code not in ids:
            ids[code] = new_id()
            virtual = kind in VIRTUAL_KINDS
            row = Location(
                tenant_id=ctx.tenant_id, id=ids[code], code=code, name=name, kind=kind, may_go_negative=virtual
            )
            ctx.session.add(row)
    ctx.session.flush()
    return ids


def create_location(ctx: Context, data: LocationIn) -> UUID:
    """Create a location inside a command of another package; gives its id."""
    location = Location(tenant_id=ctx.tenant_id, id=new_id(), **prepare_location(structs.asdict(data)))
    ctx.session.add(location)
    ctx.session.flush()
    return location.id


def find_location_by_code(ctx: Context, code: str) -> UUID | None:
    """Find an active location by its code."""
    wanted = select(Location.id).where(
        Location.tenant_id == ctx.tenant_id, Location.code == code, Location.archived_at.is_(None)
    )
    return ctx.session.scalar(wanted)


def stock_level(ctx: Context, location_id: UUID, product_id: UUID) -> tuple[Decimal, Decimal]:
    """Tell what a location holds of a product, in its stock unit: on hand, and how much of that is reserved."""
    wanted = select(Balance.on_hand, Balance.reserved).where(
        Balance.tenant_id == ctx.tenant_id, Balance.location_id == location_id, Balance.product_id == product_id
    )
    found = ctx.session.execute(wanted).one_or_none()
    return (found.on_hand, found.reserved) if found is not None else (Decimal(0), Decimal(0))
