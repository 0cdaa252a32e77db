"""PostgreSQL and Redis for a machine that has neither."""
