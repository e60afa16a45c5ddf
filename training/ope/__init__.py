"""What a policy would have earned, from decisions that another policy took and logged with their probabilities."""
