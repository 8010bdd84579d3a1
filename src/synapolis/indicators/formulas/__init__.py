"""Indicators as functions of the twin: pure, declared, and so nodes of every plan; they answer to scenarios."""
