"""People who work at a shop: their keys under PINs, what each may do, how long they are in."""
