"""What happened and what it means: the vocabulary of Kairos and pure functions over it."""
