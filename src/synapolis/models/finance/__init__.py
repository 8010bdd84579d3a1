"""What edits cost."""
