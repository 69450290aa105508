"""Authenticated peers that carry wire messages; it begins with the first network of nodes."""
