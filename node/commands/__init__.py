"""The commands of `washnode`, one module for each group."""
