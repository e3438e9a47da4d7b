"""People, organisations, roles, ministers, passkeys and signing in."""
