"""One declaration gives an object its whole API."""
