"""The ways in which a job refuses."""

from __future__ import annotations

from erp_core.kernel.errors import Problem


class PartnerInUse(Problem):
    """A partner is still needed by an open document."""

    code = "partner_in_use"
    status = 409
    message = "This partner is the client of open projects ({projects}: {codes}); close, lose or cancel them first."


class ClientNotCustomer(Problem):
    """The client of a job is not, or no longer, a customer."""

    code = "client_not_customer"
    status = 409
    message = (
        "{client} is not an active customer; mark the partner as a customer or restore it before the project moves on."
    )


class InvalidPosition(Problem):
    """A latitude or longitude lies outside the earth or is finer than can be kept."""

    code = "invalid_position"
    message = "This is a number of degrees from -{limit} to {limit} with at most six decimals."


class InvalidArea(Problem):
    """An area is negative, too large or finer than can be kept."""

    code = "invalid_area"
    message = "An area is a number of square metres from 0 to {largest} with at most six decimals."
