"""What a glass job costs and whether it can be made: glass types, price lists and the rules of pricing."""
