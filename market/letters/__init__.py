"""Mail to people: a letter is a row in the action's transaction, a job sends it."""
