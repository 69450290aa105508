"""The contract language and its compiler, a developer tool: no node imports it while running."""
