"""Sanctions: notice, time to cure, access withheld, appeals."""
