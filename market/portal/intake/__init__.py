"""Reading what other portals publish: fetched, read, mended, merged into notices, kept, and the source scored."""
