"""What people meet first: the home page, their desk, the public figures, the demonstration, and what this place is."""
