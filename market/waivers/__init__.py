"""A minister's signed exception to innovation first."""
