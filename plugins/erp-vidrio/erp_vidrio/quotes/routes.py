"""Business actions of quoting."""

from __future__ import annotations

from erp_core.kernel.context import Context
from erp_core.kernel.http.routing import Route, route
from erp_vidrio.quotes import services
from erp_vidrio.quotes.errors import NoPriceRule, PaneTooLarge
from erp_vidrio.quotes.schemas import PriceCheck, PriceCheckIn


@route("POST", "/price-check", "vidrio.price_rules.check", problems=(NoPriceRule, PaneTooLarge))
def check_price(ctx: Context, data: PriceCheckIn) -> PriceCheck:
    """Price panes by one rule and tell what they weigh; nothing is stored."""
    return services.check_price(ctx, data)


ROUTES: tuple[Route, ...] = (check_price,)
