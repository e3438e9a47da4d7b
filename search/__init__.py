"""What the public may find, kept in an index that is never the truth and never stale for long."""
