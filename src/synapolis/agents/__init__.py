"""Tools, questions and reflexes: they act only through the rooms below."""
