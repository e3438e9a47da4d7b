"""Profile versions: published, named, explained."""
