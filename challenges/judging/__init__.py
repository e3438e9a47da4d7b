"""How a panel finds the short list: reading under aliases, marks, and the ranking."""
