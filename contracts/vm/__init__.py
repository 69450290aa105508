"""The virtual machine: container, verifier, gas and interpreter; pure and deterministic."""
