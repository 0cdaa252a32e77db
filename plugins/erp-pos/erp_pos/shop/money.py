"""Pure rules of a till: tax-included totals, cash rounding, change, the drawer and store credit.

Money is a decimal number of the shop's currency, rounded half up to the cent where a rule says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
# The coins and notes that a Mexican drawer holds, largest first.
MXN_PIECES = tuple(map(Decimal, ("1000", "500", "200", "100", "50", "20", "10", "5", "2", "1", "0.50")))


@dataclass(frozen=True, slots=True)
class SaleLine:
    """A line as the device charges it: the price includes the tax; ``tax_rate`` is a fraction such as 0.16."""

    unit_price: Decimal
    quantity: Decimal
    tax_rate: Decimal
    discount: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class TaxGroup:
    """What the lines of one tax rate come to."""

    tax_rate: Decimal
    total: Decimal
    base: Decimal
    tax: Decimal


@dataclass(frozen=True, slots=True)
class Change:
    """The pieces to hand back, largest first, and what no piece is small enough for."""

    amount: Decimal
    pieces: tuple[tuple[Decimal, int], ...]
    remainder: Decimal


@dataclass(frozen=True, slots=True)
class CashFlow:
    """What went into and out of a drawer during a shift; sales are net of change, and nothing but cash counts."""

    opening_fund: Decimal
    sales: Decimal = Decimal(0)
    credit_payments: Decimal = Decimal(0)
    cash_in: Decimal = Decimal(0)
    withdrawals: Decimal = Decimal(0)
    expenses: Decimal = Decimal(0)
    refunds: Decimal = Decimal(0)


def round_money(amount: Decimal) -> Decimal:
    """Round half up to the cent."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def line_total(line: SaleLine) -> Decimal:
    """Give what the customer pays for a line."""
    return round_money(line.unit_price * line.quantity - line.discount)


def tax_groups(lines: Iterable[SaleLine]) -> list[TaxGroup]:
    """Split tax-included totals into base and tax, once for each rate, so that they add up to what was paid."""
    totals: dict[Decimal, Decimal] = {}
    for line in lines:
        totals[line.tax_rate] = totals.get(line.tax_rate, Decimal(0)) + line_total(line)
    return [_split(rate, total) for rate, total in sorted(totals.items())]


def _split(rate: Decimal, total: Decimal) -> TaxGroup:
    base = round_money(total / (1 + rate))
    return TaxGroup(rate, total, base, total - base)


def round_cash(amount: Decimal, smallest: Decimal) -> Decimal:
    """Round an amount that is paid in cash half up to the smallest piece; card and transfer stay as they are."""
    return (amount / smallest).quantize(Decimal(1), ROUND_HALF_UP) * smallest


def change_for(amount: Decimal, pieces: Sequence[Decimal] = MXN_PIECES) -> Change:
    """Give the fewest pieces for an amount, largest first."""
    left, handed = amount, []
    for piece in pieces:
        count = int(left // piece)
        if count:
            handed.append((piece, count))
            left -= count * piece
    return Change(amount, tuple(handed), left)


def suggested_tenders(total: Decimal, pieces: Sequence[Decimal] = MXN_PIECES) -> tuple[Decimal, Decimal]:
    """Suggest what a customer hands over: the exact amount, and the next that notes of one kind make.

    An amount that every kind of note makes exactly, such as 1000, is suggested twice.
    """
    notes = [piece for piece in pieces if piece >= Decimal(20)]
    rounded_up = [(total / note).quantize(Decimal(1), ROUND_CEILING) * note for note in notes]
    return total, min((amount for amount in rounded_up if amount > total), default=total)


def expected_in_drawer(flow: CashFlow) -> Decimal:
    """Work out what should lie in the drawer."""
    came = flow.opening_fund + flow.sales + flow.credit_payments + flow.cash_in
    return came - flow.withdrawals - flow.expenses - flow.refunds


def counted_in_drawer(pieces: Mapping[Decimal, int]) -> Decimal:
    """Add up a count by pieces (arqueo)."""
    return sum((piece * count for piece, count in pieces.items()), Decimal(0))


def needs_owner_pin(limit: Decimal, balance: Decimal, sale: Decimal) -> bool:
    """Say whether a sale on store credit goes beyond the limit, so that the owner has to allow it."""
    return balance + sale > limit
