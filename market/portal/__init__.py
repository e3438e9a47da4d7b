"""Notices from other portals, read, merged and matched."""
