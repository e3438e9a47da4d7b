"""Why two were taken for one, as it is kept and as it is told."""

from __future__ import annotations

import msgspec

from market.portal.sameness.matching import Evidence


def evidence_of(text: str) -> list[Evidence]:
    """Kept evidence, read back."""
    return msgspec.json.decode(text or "[]", type=list[Evidence])


def reasons_for(text: str) -> str:
    """What of the kept evidence speaks for the two being one, in words."""
    return " ".join(each.words for each in evidence_of(text) if each.weight > 0)


class EvidenceView(msgspec.Struct):
    """One reason; `supports` says whether it speaks for the two being one."""

    code: str
    words: str
    supports: bool


def said_of(evidence: list[Evidence]) -> list[EvidenceView]:
    """Kept evidence for a program."""
    return [EvidenceView(each.code, each.words, each.weight > 0) for each in evidence]
