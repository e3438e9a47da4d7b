"""How long bids must be taken at the least, and what shortens it."""
