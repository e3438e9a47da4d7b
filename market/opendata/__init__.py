"""Our own open contracting data, and the public log."""
