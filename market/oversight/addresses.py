"""Addresses of the log: the subject that one names."""

from __future__ import annotations

import re

from market.kinds import KINDS
from market.refusals import NotFound


def subject_of(kind: str, ref: str) -> str:
    """The `kind:reference` of an address; 404 for what cannot be one."""
    if kind not in KINDS or not re.fullmatch(r"[A-Za-z0-9-]{1,16}", ref):
        raise NotFound("Record")
    return f"{kind}:{ref}"
