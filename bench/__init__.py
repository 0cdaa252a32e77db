"""Benchmarks that print figures; nothing here is asserted by the clock."""
