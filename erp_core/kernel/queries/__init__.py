"""Statements built once and sent in one round trip."""
