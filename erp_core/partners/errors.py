"""The ways in which a partner's data is refused."""

from __future__ import annotations

from erp_core.kernel.errors import Problem


class InvalidTaxId(Problem):
    """An identifier breaks the rules of its country; ``reason`` is length, format, check_digit or component."""

    code = "invalid_tax_id"
    message = "This is not a valid {kind} of {country}: its {reason} is wrong."


class TaxIdNeedsCountry(Problem):
    """A tax id and its country can only be judged together."""

    code = "tax_id_needs_country"
    message = "Send tax_id and tax_country together, because one is checked by the rules of the other."


class InvalidPostalCode(Problem):
    """A Mexican postal code has five digits."""

    code = "invalid_postal_code"
    message = "A postal code of {country} has {digits} digits."


class UnknownCurrency(Problem):
    """The currency is not among those that the platform knows."""

    code = "unknown_currency"
    message = "{currency} is not a known currency; GET /api/v1/core/currencies lists those that are."


class UnknownCountry(Problem):
    """The country is not among those that the platform knows."""

    code = "unknown_country"
    message = "{country} is not a known country; GET /api/v1/core/countries lists those that are."
