"""The engine that runs Spectral-format rulesets over OpenAPI documents: pure Python, closed function set, no network.

A ruleset comes from a buyer and a document from a supplier; both are hostile input until shown otherwise. Nothing
here opens a file, a socket or a database: text goes in, findings come out, and every loop watches a :class:`Deadline`.
"""
