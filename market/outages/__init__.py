"""When the service was away, measured outside of the database, and the deadlines that move because of it."""
