"""The description of all methods, for programs and as a page."""
