"""All that was learnt, in one query; for pages, programs and desks alike."""

from __future__ import annotations

from datetime import datetime

import msgspec

from challenges.insights import rules
from challenges.insights.actions import ReportDraft
from market import clock, drafts
from market.reads import rows
from market.standing import Standing


class Reported(msgspec.Struct, frozen=True):
    """A published insight report, with the challenge (its reference and codes) and the buyer it comes from."""

    ref: str
    challenge: str
    cpv: list[str]
    buyer_name: str
    title: str
    tried: str
    worked: str
    did_not_work: str
    evidence: str
    others: str
    decision: str
    published_at: datetime

    @property
    def standing(self) -> Standing:
        """Where it stands now."""
        return rules.standing(rules.Dates(self.decision, self.published_at), clock.now())

    @property
    def etag(self) -> str:
        """What a change of it would be written from."""
        return drafts.version_of(
            ReportDraft.__name__, {name: getattr(self, name) for name in ReportDraft.__struct_fields__}
        )


async def reports() -> list[Reported]:
    """All published insight reports, the newest first."""
    return await rows(
        Reported,
        """
        SELECT r.ref, c.ref AS challenge, c.cpv, o.name AS buyer_name, r.title, r.tried, r.worked, r.did_not_work, r.evidence,
          r.others, c.decision, r.published_at
        FROM insight_report r JOIN challenge c ON c.id = r.challenge JOIN organisation o ON o.id = c.buyer
        WHERE r.published_at IS NOT NULL ORDER BY r.published_at DESC
        """,
    )
