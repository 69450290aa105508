"""`python -m node` is `washnode`."""

from node.cli import main

main()
