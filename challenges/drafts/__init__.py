"""A challenge as it is written: its sections, criteria and panel, until it is published."""
