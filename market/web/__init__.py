"""What every page and endpoint shares: templates, static files, words, and the ways a request becomes an answer."""
