"""The service passport: a file that shows a vehicle's records, checked without a network."""
