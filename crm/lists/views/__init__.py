"""The pages of lists and records, the same for every noun."""
