"""Shops with several branches (tiendas y sucursales), on the ERP core."""
