"""Public questions about a published record, and the answers that everybody reads."""
