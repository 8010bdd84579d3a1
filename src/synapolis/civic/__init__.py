"""Civic governance: the public algorithm register."""
