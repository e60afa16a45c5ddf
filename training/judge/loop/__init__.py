"""The closed loop: the service decides for a market in simulated time and learns from it; the truth counts."""
