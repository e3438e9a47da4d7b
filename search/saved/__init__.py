"""Searches that somebody keeps, is told of by letter and follows as a feed."""
