"""Errors, digests and declarations: what every room stands on. No city words here."""
