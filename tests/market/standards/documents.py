"""Documents for tests: one that passes the UK core profile, and what takes it apart."""

from __future__ import annotations

import copy
import json
from typing import Any

from market.standards.checking.profiles import profile


def good(version: str = "1.2.0", **more: Any) -> bytes:
    """The base document of the UK core profile, which passes it."""
    made = copy.deepcopy(profile("uk-core").base)
    made["info"]["version"] = version
    made.update(more)
    return json.dumps(made).encode()


def failing(version: str = "1.2.1") -> bytes:
    """The same without a contact, and without saying how callers are known: two gates fail."""
    made = json.loads(good(version))
    del made["info"]["contact"]
    del made["security"]
    return json.dumps(made).encode()


def without_contact(version: str = "1.2.2") -> bytes:
    """The same without a contact: one gate fails."""
    made = json.loads(good(version))
    del made["info"]["contact"]
    return json.dumps(made).encode()


def breaking(version: str = "1.3.0") -> bytes:
    """The same with its one path under another name, and no new major version."""
    made = json.loads(good(version))
    made["paths"]["/licences/{permit-id}"] = made["paths"].pop("/permits/{permit-id}")
    return json.dumps(made).encode()
