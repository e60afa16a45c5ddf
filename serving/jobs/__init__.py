"""Decisions for many at once: an audience, the same decisions as for one, files. Each job has a folder of its own."""
