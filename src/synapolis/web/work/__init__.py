"""Runs in worker processes: the queue, the workers, and what runs in them."""
