"""The what-if engine: edits, plan, run, cache, ensembles, siting, answers."""
