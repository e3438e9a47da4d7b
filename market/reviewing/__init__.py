"""What is reviewed before it is published, whichever noun it is: one page, one API, and what stands on desks."""
