"""Road traffic: network, demand, equilibrium, and edits of streets."""
