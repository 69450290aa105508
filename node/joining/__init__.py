"""How a shop comes into a network: codes, the desk that takes them, and a node from nothing."""
