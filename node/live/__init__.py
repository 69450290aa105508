"""A chain that runs: what waits, the clock, blocks made when there is work, readers told."""
