"""Sandboxes: where a service can be tried, and the checks that are made there."""
