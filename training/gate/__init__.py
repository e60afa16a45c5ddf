"""Whether a model may decide: every check visible in one list, a yes or no with reasons."""
