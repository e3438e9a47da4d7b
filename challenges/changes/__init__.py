"""Changes to a published challenge: dated, with a later deadline where suppliers need it."""
