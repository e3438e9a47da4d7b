"""Reviews of waivers for people and programs, above the waiver's own page."""
