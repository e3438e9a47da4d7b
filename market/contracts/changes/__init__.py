"""Changes of a contract in force: on which grounds, within which limits, and who has to agree to one."""
