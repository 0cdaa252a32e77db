"""The HTTP face: routes, problems, health and documents."""
