"""What a company buys, makes and sells, and the units that it is counted in."""
