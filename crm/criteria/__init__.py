"""Criteria: which records? One JSON tree, one compiler to SQL, one sentence in words."""
