"""What is the same under many names: procurements on two portals, and what joined rows have in common."""
