"""One Alembic branch for each package, one runner for all."""
