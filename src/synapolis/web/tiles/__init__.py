"""A city as it is drawn: vector tiles, the shading of its ground, its lines. Built once a city, then only read."""
