"""What strangers can check without us: pure functions on bytes, no database, no web, no clock, no settings. README.md is the
specification."""
