"""Consulting rooms and small clinics (consultorios y clínicas), on the ERP core."""
