"""This node among others: what peers say to it, and what it says to them."""
