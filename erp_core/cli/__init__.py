"""The `erp` command."""
