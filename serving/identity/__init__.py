"""Under which names a customer comes, and which names belong together."""
