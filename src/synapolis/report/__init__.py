"""Answers as pages, maps, charts and tables. Knows no HTTP; reads answers, computes no models."""
