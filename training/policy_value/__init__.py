"""What policies would have earned on a log with known probabilities, and what each customer would get."""
