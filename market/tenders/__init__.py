"""Tenders, lots, questions, addenda and the evidence that innovation came first."""
