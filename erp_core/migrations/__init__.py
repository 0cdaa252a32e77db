"""The core's own revisions."""
