"""The lists that every screen with a country or a currency needs."""

from __future__ import annotations

from erp_core.kernel.context import Context
from erp_core.kernel.http.routing import SIGNED_IN, Route, route
from erp_core.partners import services
from erp_core.partners.schemas import CountryOut, CurrencyOut


@route("GET", "/currencies", SIGNED_IN)
def list_currencies(ctx: Context) -> list[CurrencyOut]:
    """List the currencies that the platform knows."""
    return services.list_currencies(ctx)


@route("GET", "/countries", SIGNED_IN)
def list_countries(ctx: Context) -> list[CountryOut]:
    """List the countries that the platform knows."""
    return services.list_countries(ctx)


ROUTES: tuple[Route, ...] = (list_currencies, list_countries)
