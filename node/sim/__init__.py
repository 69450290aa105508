"""A whole cluster in one process: the real engine, blocks and execution; clocks, network and disks
are simulated, so one seed is one history (docs/simulator.md).
"""
