"""Sealed envelopes, receipts and their opening."""
