"""Commands about glass prices."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from msgspec import structs
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from erp_core.kernel.context import Context
from erp_core.kernel.errors import NotFound, UnknownReference
from erp_core.kernel.ids import new_id
from erp_core.kernel.queries.sync import database_error
from erp_vidrio.quotes import rules
from erp_vidrio.quotes.errors import NoPriceRule, PriceRuleOverlap
from erp_vidrio.quotes.models import VALIDITY, GlassType, PriceList, PriceRule
from erp_vidrio.quotes.schemas import PaneIn, PriceCheck, PriceCheckIn, PricedPane, PriceRuleIn


def add_price_rule(ctx: Context, data: PriceRuleIn) -> UUID:
    """Add a price rule whose days no other rule of the same list and glass has."""
    rules.check_rates(structs.asdict(data))
    rules.check_days(data.valid_from, data.valid_to)
    _refuse_unknown(ctx, PriceList, data.price_list_id, "price_list_id")
    _refuse_unknown(ctx, GlassType, data.glass_type_id, "glass_type_id")
    rule = PriceRule(tenant_id=ctx.tenant_id, id=new_id(), **structs.asdict(data))
    ctx.session.add(rule)
    _flush(ctx)
    return rule.id


def change_price_rule(ctx: Context, rule_id: UUID, changes: dict[str, Any]) -> None:
    """Change a price rule without letting its days meet another's."""
    rule = ctx.get(PriceRule, rule_id, lock=True)
    rules.check_rates(changes)
    for field, value in changes.items():
        setattr(rule, field, value)
    rules.check_days(rule.valid_from, rule.valid_to)
    _flush(ctx)


def check_price(ctx: Context, data: PriceCheckIn) -> PriceCheck:
    """Price panes by one rule without storing anything."""
    rule = _active_rule(ctx, data.price_rule_id)
    thickness = ctx.get(GlassType, rule.glass_type_id).thickness_mm
    price_list = ctx.get(PriceList, rule.price_list_id)
    rates = rates_of(rule)
    lines = [_price(pane, rates, thickness, position) for position, pane in enumerate(data.panes)]
    totals = rules.sum_lines(lines, price_list.tax_pct, thickness)
    panes = [PricedPane(**asdict(line), amount=line.amount) for line in lines]
    return PriceCheck(currency=price_list.currency, panes=panes, tax_pct=price_list.tax_pct, **asdict(totals))


def rates_of(rule: PriceRule) -> rules.Rates:
    """Give a stored rule as the arithmetic sees it."""
    return rules.Rates(
        rule.rate_m2, rule.size_step_mm, rule.minimum_m2, rule.edge_rate_m, rule.hole_rate, rule.notch_rate
    )


def _price(pane: PaneIn, rates: rules.Rates, thickness_mm: int, position: int) -> rules.LinePrice:
    line = rules.Pane(**structs.asdict(pane))
    rules.check_size(line, pointer=f"/panes/{position}")
    return rules.price_line(line, rates, thickness_mm)


def _active_rule(ctx: Context, rule_id: UUID) -> PriceRule:
    try:
        rule = ctx.get(PriceRule, rule_id)
    except NotFound:
        raise NoPriceRule(pointer="/price_rule_id") from None
    if rule.archived_at is not None:
        raise NoPriceRule(pointer="/price_rule_id")
    return rule


def _refuse_unknown(ctx: Context, model: type[PriceList | GlassType], row_id: UUID, field: str) -> None:
    """Refuse a new price for a list or a glass that is not there, or is there no longer."""
    wanted = select(model.id).where(model.tenant_id == ctx.tenant_id, model.id == row_id, model.archived_at.is_(None))
    if ctx.session.scalar(wanted) is None:
        raise UnknownReference(field=field, pointer=f"/{field}")


def _flush(ctx: Context) -> None:
    """Send the change now, so that a clash of days is refused in the words of the trade."""
    try:
        ctx.session.flush()
    except DBAPIError as error:
        if database_error(error).constraint == VALIDITY:
            raise PriceRuleOverlap(pointer="/valid_from") from error
        raise
