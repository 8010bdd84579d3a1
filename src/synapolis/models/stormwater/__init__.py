"""Stormwater: design storms, runoff, surface flow, and edits of the ground."""
