"""The operators' view of letters: why each was written, what was tried, and what becomes of those that come back."""
