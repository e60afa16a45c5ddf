"""Turns a request into a logged decision."""
