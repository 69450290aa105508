"""`python -m node` is `washnode`."""

from node.cli import main

main(prog_name="washnode")
