"""What one channel does to the next: synergy and cannibalisation of sequences, measured from a log."""
