"""The revisions of this package."""
