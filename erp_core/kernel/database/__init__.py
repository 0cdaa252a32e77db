"""Roles, policies, tenant context and units of work."""
