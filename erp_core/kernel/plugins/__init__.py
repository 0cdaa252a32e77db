"""How verticals describe themselves, are found, checked and called."""
