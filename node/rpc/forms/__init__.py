"""JSON forms of what the chain holds, and back."""
