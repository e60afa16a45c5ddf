"""The judge of learners: it alone sees the truth of the market, and they never do."""
