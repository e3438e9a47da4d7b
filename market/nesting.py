"""How deep lists and objects may stand inside one another in JSON that comes from outside.

A reader of JSON goes down into it and gives up where its own stack ends, which is another depth in each version of Python
(RFC 8259 section 9 lets every reader set its own). So the depth is counted first, without going down: what is refused, and
in which words, is the same everywhere.
"""

from __future__ import annotations

import json
from typing import Any

DEEPEST = 64
"""How many may stand inside one another; more is an attack on the reader, not a document. What we take nests ten deep."""

_BLOCK = 65_536
_MARKS = b'"[]{}'
_OTHERS = bytes(set(range(256)) - set(_MARKS))
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


class TooDeep(ValueError):
    """Lists and objects stand deeper inside one another than is read here."""

    def __init__(self, deepest: int) -> None:
        super().__init__(f"lists and objects stand more than {deepest} deep in one another")


def check(text: str | bytes, deepest: int = DEEPEST) -> None:
    """Refuse JSON (UTF-8 where it is bytes) that nests deeper than `deepest` as :class:`TooDeep`. Says nothing of text that
    is not JSON, but that no reader of it gets deeper before it notices."""
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if data.count(b"[") + data.count(b"{") <= deepest:
        return
    if b"\\" in data:
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    marks = data.translate(None, _OTHERS)
    level, quoted = 0, False
    for start in range(0, len(marks), _BLOCK):
        pieces = marks[start : start + _BLOCK].split(b'"')
        for bracket in b"".join(pieces[quoted::2]):
            level += _STEPS[bracket]
            if level > deepest:
                raise TooDeep(deepest)
        quoted ^= len(pieces) % 2 == 0


def read(text: str | bytes, deepest: int = DEEPEST, **how: Any) -> Any:
    """What the JSON says; `how` is as for :func:`json.loads`. Refused with ValueError, of which :class:`TooDeep` is one."""
    plain = text if isinstance(text, str) else text.decode(json.detect_encoding(text))
    check(plain, deepest)
    return json.loads(plain, **how)
