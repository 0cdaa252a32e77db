"""Jobs (obras): what they are, how they are divided and how they move from prospect to closed."""
