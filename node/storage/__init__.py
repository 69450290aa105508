"""A chain on disk: opened, checked, made whole, sealed, verified."""
