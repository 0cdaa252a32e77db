"""Vehicles and what their meters said."""
