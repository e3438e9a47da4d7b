"""Who decided that the rule does not bind: what binds a body, and what the law's numbers are, changes by two people and in public."""
