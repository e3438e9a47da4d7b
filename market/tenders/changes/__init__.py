"""Changes to a published tender: what kind they are, what they may do, and what they leave behind."""
