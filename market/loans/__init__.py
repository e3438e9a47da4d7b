"""People whom one public body lends to another, so that a small body has a second person: by name, on paper, for a time."""
