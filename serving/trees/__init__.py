"""Scores of LightGBM's trees, computed once for what the rows of a request share, and exactly LightGBM's."""
