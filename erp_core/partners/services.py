"""Commands and readings about partners."""

from __future__ import annotations

from sqlalchemy import select

from erp_core.kernel.context import Context
from erp_core.partners.models import Country, Currency
from erp_core.partners.schemas import CountryOut, CurrencyOut


def list_currencies(ctx: Context) -> list[CurrencyOut]:
    """List the currencies that the platform knows, by code."""
    found = ctx.session.execute(select(Currency.code, Currency.digits).order_by(Currency.code))
    return [CurrencyOut(code, digits) for code, digits in found]


def list_countries(ctx: Context) -> list[CountryOut]:
    """List the countries that the platform knows, by code."""
    found = ctx.session.execute(select(Country.code, Country.name, Country.name_en).order_by(Country.code))
    return [CountryOut(code, name, name_en) for code, name, name_en in found]
