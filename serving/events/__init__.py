"""The forms in which events arrive, each read into the same Arrival."""
