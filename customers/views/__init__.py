"""The pages that only customers and companies have."""
