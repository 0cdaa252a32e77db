"""Commands and readings about partners."""

from __future__ import annotations

from uuid import UUID

from msgspec import structs
from sqlalchemy import select

from erp_core.kernel.context import Context
from erp_core.kernel.ids import new_id
from erp_core.partners.models import Country, Currency, Partner
from erp_core.partners.rules import prepare_partner
from erp_core.partners.schemas import CountryOut, CurrencyOut, PartnerIn


def list_currencies(ctx: Context) -> list[CurrencyOut]:
    """List the currencies that the platform knows, by code."""
    found = ctx.session.execute(select(Currency.code, Currency.digits).order_by(Currency.code))
    return [CurrencyOut(code, digits) for code, digits in found]


def list_countries(ctx: Context) -> list[CountryOut]:
    """List the countries that the platform knows, by code."""
    found = ctx.session.execute(select(Country.code, Country.name, Country.name_en).order_by(Country.code))
    return [CountryOut(code, name, name_en) for code, name, name_en in found]


def create_partner(ctx: Context, data: PartnerIn) -> UUID:
    """Create a partner inside a command of another package; gives its id."""
    partner = Partner(tenant_id=ctx.tenant_id, id=new_id(), **prepare_partner(structs.asdict(data)))
    ctx.session.add(partner)
    ctx.session.flush()
    return partner.id


def find_partner(ctx: Context, code: str) -> UUID | None:
    """Find an active partner by its code."""
    wanted = select(Partner.id).where(
        Partner.tenant_id == ctx.tenant_id, Partner.code == code, Partner.archived_at.is_(None)
    )
    return ctx.session.scalar(wanted)
