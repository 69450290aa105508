"""The methods of the API, one module for each namespace."""
