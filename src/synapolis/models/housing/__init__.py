"""Homes: where they fit, what they cost to live in, who can afford them."""
