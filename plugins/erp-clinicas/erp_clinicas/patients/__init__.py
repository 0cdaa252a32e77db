"""Who is cared for (pacientes): identity and contact, and apart from them the chart."""
