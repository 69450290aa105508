"""What a shop's accountant asks for: a chain's events as lines of a journal, and their sums."""
