"""Contracts: signature, milestones, changes."""
