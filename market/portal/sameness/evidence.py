"""Why two were taken for one, as it is kept and as it is told."""

from __future__ import annotations

from typing import Any

import msgspec


def evidence_of(text: str) -> list[dict[str, Any]]:
    """Kept evidence as plain data: code, words, weight."""
    return msgspec.json.decode(text or "[]", type=list[dict[str, Any]])


class EvidenceView(msgspec.Struct):
    """One reason; `supports` says whether it speaks for the two being one."""

    code: str
    words: str
    supports: bool


def said_of(evidence: list[dict[str, Any]]) -> list[EvidenceView]:
    """Kept evidence for a program."""
    return [EvidenceView(each["code"], each["words"], each["weight"] > 0) for each in evidence]
