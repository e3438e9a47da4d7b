"""Who is let into a public body from outside its domains, and which domains are a body's own: both take two people."""
