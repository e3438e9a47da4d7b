"""Looking on: the public log in plain words, the auditor's search and walk, red flags, and evidence to take away."""
