"""A network of real processes on this machine, to try and to test with."""
