"""The loops over trees, compiled to machine code."""
