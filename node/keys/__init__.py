"""The keys of this machine: files nobody else reads, and their recovery phrases."""
