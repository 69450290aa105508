"""A whole cluster in one process, from one seed (docs/simulator.md).

The engine, the blocks and their execution are real; clocks, network and disks are simulated.
"""
