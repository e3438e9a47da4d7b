"""Prelude's marketplace: from a problem to a contract, one folder per noun."""

import os

os.environ.setdefault("PICCOLO_CONF", "market.piccolo_conf")
