"""Synapolis: the open nervous system of a city."""
