"""Contracts: language, virtual machine, standard contracts and the execution of blocks."""
