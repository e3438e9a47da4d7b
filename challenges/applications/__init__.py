"""What suppliers answer to a challenge: applying, changing, withdrawing, and how far an application has come."""
