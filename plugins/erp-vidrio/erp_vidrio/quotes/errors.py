"""The ways in which a price is refused."""

from __future__ import annotations

from erp_core.kernel.errors import Problem


class PriceRuleOverlap(Problem):
    """A price list has one price for a glass on any day."""

    code = "price_rule_overlap"
    status = 409
    message = (
        "This price list already prices this glass on some of these days; "
        "end the other rule the day before this one starts."
    )


class PaneTooLarge(Problem):
    """No sheet is large enough for the pane, however it is turned."""

    code = "pane_too_large"
    message = "A pane of {width_mm} by {height_mm} mm does not fit the largest sheet, {long_mm} by {short_mm} mm."


class NoPriceRule(Problem):
    """The price rule is archived, or does not exist."""

    code = "no_price_rule"
    message = "There is no such price rule in force; GET /api/v1/vidrio/price_rules lists those that are."


class InvalidRate(Problem):
    """A rate is negative, not a number, or finer than the table keeps."""

    code = "invalid_rate"
    message = "A rate is a number from 0 to {largest} with at most {decimals} decimals."
