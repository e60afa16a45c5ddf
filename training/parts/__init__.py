"""The three parts of incremental value, learnt from decisions whose probabilities are known: v, q and p₀."""
