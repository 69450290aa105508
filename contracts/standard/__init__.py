"""The standard contracts, in the language, with their compiled containers."""
