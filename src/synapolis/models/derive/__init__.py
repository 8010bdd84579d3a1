"""Layers a city lacks, made from those it has: each is a declared model with its error and its assumptions."""

import synapolis.layers.assumed  # noqa: F401  the assumptions must be known before a model that takes them is declared
