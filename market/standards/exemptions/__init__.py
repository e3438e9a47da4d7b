"""Exemptions from a profile: asked and signed by a buyer, decided by the standards owner."""
