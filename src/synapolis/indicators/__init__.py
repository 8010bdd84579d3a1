"""Indicators and gates: as data and pure functions."""
