"""Prelude's marketplace: from a problem to a contract, one folder per noun."""

import os

os.environ.setdefault("PICCOLO_CONF", "market.piccolo_conf")

VERSION = "0.1.0"
"""Of this release, as the API's description, /health and the evidence files name it."""
