"""Obligations and payments; the only place that knows a payment provider."""
