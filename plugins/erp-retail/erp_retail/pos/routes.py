"""The business actions of stores."""

from __future__ import annotations

from uuid import UUID

from erp_core.kernel.context import Context
from erp_core.kernel.errors import NotFound, UnknownReference
from erp_core.kernel.http.routing import Route, route
from erp_retail.pos import services
from erp_retail.pos.errors import StockNotKept
from erp_retail.pos.schemas import StockQuery, StoreStock


@route(
    "GET",
    "/stores/{store_id:uuid}/stock",
    "retail.stores.read_stock",
    problems=(NotFound, UnknownReference, StockNotKept),
)
def read_stock(ctx: Context, store_id: UUID, query: StockQuery) -> StoreStock:
    """Tell what a store holds of a product."""
    return services.read_stock(ctx, store_id, query.product_id)


ROUTES: tuple[Route, ...] = (read_stock,)
