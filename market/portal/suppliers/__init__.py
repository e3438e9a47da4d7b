"""The suppliers that notices name: one record for each, shown, and claimed by the firm itself."""
