"""Certificates: issued, revoked, and asked for at the gates."""
