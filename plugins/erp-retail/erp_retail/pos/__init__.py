"""The till (punto de venta): stores, terminals and what a store has to sell."""
