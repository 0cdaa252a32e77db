"""Tempered glass: quotes, production and installation, as a package of the ERP."""
