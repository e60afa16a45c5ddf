"""What was said to one customer, by whom it may still be said, and how often."""
