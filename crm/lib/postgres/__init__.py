"""Django's PostgreSQL backend with a pool that keeps few connections warm."""
