"""Suppliers pointed to what is open to all, and firms that look for somebody to bid with."""
