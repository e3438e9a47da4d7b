"""Ministers let a named office-holder sign waivers for them: by a signed instrument, with a scope, until a day."""
