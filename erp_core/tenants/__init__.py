"""What an operator does with companies and people: open, suspend and resume tenants, create users, grant roles."""
