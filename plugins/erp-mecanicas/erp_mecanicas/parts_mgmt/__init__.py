"""What a workshop knows of a part beyond what the core keeps of a product."""
