"""Nothing of its own is stored yet."""
