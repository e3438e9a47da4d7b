"""Who did what to a record, and which two acts one pair of hands never does to the same one."""
