"""Turns the log into a judged and promoted model."""
