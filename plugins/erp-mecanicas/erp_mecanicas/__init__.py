"""Diesel workshops: vehicles, parts and service, as a package of the ERP."""
