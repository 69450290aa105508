"""Texts of people that the chain names by a fingerprint: reviews, answers, messages."""
