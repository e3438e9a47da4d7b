"""Evaluation, decisions, standstill and complaints."""
