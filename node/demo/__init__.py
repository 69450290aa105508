"""The world of a development chain: people with known keys, two shops, bookings to play with."""
