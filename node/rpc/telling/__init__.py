"""Words for people: what transactions did and why things failed, in two languages."""
