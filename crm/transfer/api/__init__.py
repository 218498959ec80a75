"""Imports and exports over the API."""
