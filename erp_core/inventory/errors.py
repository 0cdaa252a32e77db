"""The ways in which a posting of stock is refused."""

from __future__ import annotations

from erp_core.kernel.errors import Problem


class InsufficientStock(Problem):
    """A location holds less than is to be taken from it, after what is reserved."""

    code = "insufficient_stock"
    status = 409
    message = "{location} has {available} {unit} of {product} to give; {requested} were asked for."


class QuantityNotPositive(Problem):
    """A quantity is zero, negative or not a number; to move goods back, swap the locations."""

    code = "quantity_not_positive"
    message = "The quantity {quantity} is not above zero; to move goods back, swap the two locations."


class QuantityTooLarge(Problem):
    """A quantity has more digits than can be kept."""

    code = "quantity_too_large"
    message = "The quantity {quantity} is above {largest}, the largest that is kept."


class InexactQuantity(Problem):
    """A quantity cannot be kept with six decimals in the product's own unit without rounding it."""

    code = "inexact_quantity"
    message = (
        "{quantity} is not a quantity with at most {decimals} decimals in the product's own unit; give it in that unit."
    )


class SameLocation(Problem):
    """A line moves goods from a location to itself."""

    code = "same_location"
    message = "The goods would go from a location to itself; choose another one."


class ArchivedProduct(Problem):
    """The product was archived."""

    code = "archived_product"
    status = 409
    message = "The product {product} is archived; restore it before its stock moves."


class UntrackedProduct(Problem):
    """The product has no stock, such as a service."""

    code = "untracked_product"
    message = "No stock is kept of {product}; only products with tracked stock can move."


class ArchivedLocation(Problem):
    """The location was archived."""

    code = "archived_location"
    status = 409
    message = "The location {location} is archived; restore it or choose another one."


class NoLines(Problem):
    """A posting without lines moves nothing."""

    code = "no_lines"
    message = "Give at least one line."


class TooManyLines(Problem):
    """A posting has more lines than one transaction takes."""

    code = "too_many_lines"
    message = "{count} lines are more than the {limit} that one posting takes; post them in several."


class AlreadyReversed(Problem):
    """The movement was reversed before."""

    code = "already_reversed"
    status = 409
    message = "This movement was reversed before; a movement is reversed once."


class ReversalNotReversible(Problem):
    """The movement is itself a reversal."""

    code = "reversal_not_reversible"
    status = 409
    message = "This movement is itself a reversal; post the original again instead."


class LocationInUse(Problem):
    """A location that holds stock cannot be archived."""

    code = "location_in_use"
    status = 409
    message = "{location} still has stock of {products} products; move it away first."


class ProductInStock(Problem):
    """A product of which there is stock cannot be archived."""

    code = "product_in_stock"
    status = 409
    message = "There are still {on_hand} on hand; move or adjust them before archiving the product."


class NoSuchLocation(Problem):
    """The tenant has no location of this kind."""

    code = "no_such_location"
    status = 409
    message = "There is no active location of the kind {kind}; create one first."
