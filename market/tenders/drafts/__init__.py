"""A tender before it is published: what its buyer writes, and nobody else reads."""
