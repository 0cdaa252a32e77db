"""Who people are, which companies they belong to, what they may do there, and how they prove it."""
