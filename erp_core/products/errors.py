"""The ways in which a product's data is refused."""

from __future__ import annotations

from erp_core.kernel.errors import Problem


class UnitMismatch(Problem):
    """Two units measure different things, such as a length and a mass."""

    code = "unit_mismatch"
    message = "{given} cannot be converted into {wanted}: they measure different things."


class InvalidBarcode(Problem):
    """A code of 8, 12 or 13 digits that is not a valid EAN or UPC."""

    code = "invalid_barcode"
    message = "The check digit of {barcode} is wrong for a code of {digits} digits; an own code starts with a letter."


class InvalidAmount(Problem):
    """An amount is negative, too large, or finer than six decimals."""

    code = "invalid_amount"
    message = "An amount is a number from 0 to {largest} with at most {decimals} decimals."


class InvalidFactor(Problem):
    """A unit's factor is not a fraction of positive whole numbers."""

    code = "invalid_factor"
    message = "A unit's factor is a fraction of whole numbers from 1 to {largest}."


class CategoryCycle(Problem):
    """A category would lie below itself."""

    code = "category_cycle"
    status = 409
    message = "The category {category} lies below this one already; a category cannot lie below itself."
