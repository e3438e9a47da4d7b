"""The paid pitches of short-listed teams."""
