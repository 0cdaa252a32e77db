"""The ways in which stores and tills refuse."""

from __future__ import annotations

from erp_core.kernel.errors import Problem


class UnknownTimeZone(Problem):
    """A time zone is not in the IANA list."""

    code = "retail_unknown_time_zone"
    message = "{time_zone} is not a time zone; write one such as America/Mexico_City, with its capitals."


class StockNotKept(Problem):
    """No stock is kept of the product, such as a service."""

    code = "retail_stock_not_kept"
    status = 409
    message = "No stock is kept of {product}; ask for a product with tracked stock."


class StoreHasTerminals(Problem):
    """A store still has tills in use."""

    code = "retail_store_has_terminals"
    status = 409
    message = "The store still has terminals in use ({terminals}); archive them first."
