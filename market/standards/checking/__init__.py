"""The engine: a document and a profile in, findings and an outcome out."""
