"""Addresses of the log: of the page after this one, and the subject that one names."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from market.kinds import KINDS
from market.refusals import NotFound
from market.web.pages import Visitor


def next_page(request: Visitor, cursor: int | None, name: str = "before") -> str | None:
    """The address of the next page with the same filters; None when this is the last."""
    if cursor is None:
        return None
    kept = [(key, value) for key, value in request.query_params.multi_items() if key != name and value]
    return f"{request.url.path}?{urlencode([*kept, (name, cursor)])}"


def subject_of(kind: str, ref: str) -> str:
    """The `kind:reference` of an address; 404 for what cannot be one."""
    if kind not in KINDS or not re.fullmatch(r"[A-Za-z0-9-]{1,16}", ref):
        raise NotFound("Record")
    return f"{kind}:{ref}"
