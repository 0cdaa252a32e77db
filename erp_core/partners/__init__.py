"""Customers, suppliers and everybody else that a company deals with."""
