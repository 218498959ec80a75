"""The bench: a large base made in SQL, the product started on it, and the clock on its pages."""
