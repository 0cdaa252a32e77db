"""Contractors and housing developers (constructoras): the life of a job, on the ERP core."""
