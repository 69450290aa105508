"""Finding things on the chain and proving them."""
