"""The register of rulings as it is read, and what holds of a body or a draft now."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from market import clock
from market.reads import row, rows, the
from market.rulings import rules
from market.rulings.tables import Listed

_LISTED = """
SELECT r.id, r.ref, r.about, r.organisation, COALESCE(o.name, '') AS body, COALESCE(o.ref, '') AS body_ref, r.tender,
  EXISTS (SELECT 1 FROM event e WHERE e.subject = 'tender:' || r.tender AND e.verb = 'tender.published') AS tender_public,
  r.before, r.after, r.ground, r.instrument,
  COALESCE(p.name, '') AS proposer, COALESCE(p.ref, '') AS proposer_ref, r.proposed_at,
  COALESCE(c.name, '') AS confirmer, COALESCE(c.ref, '') AS confirmer_ref, r.confirmed_at, r.objections_until, r.effect_at,
  COALESCE(w.name, '') AS withdrawer, r.withdrawn_at, r.withdrawn_because, COALESCE(q.name, '') AS objector,
  COALESCE(q.ref, '') AS objector_ref, j.at AS objected_at, COALESCE(j.because, '') AS objected_because
FROM ruling r LEFT JOIN organisation o ON o.id = r.organisation LEFT JOIN person p ON p.id = r.proposed_by
LEFT JOIN person c ON c.id = r.confirmed_by LEFT JOIN person w ON w.id = r.withdrawn_by
LEFT JOIN objection j ON j.ruling = r.id AND j.lifted_at IS NULL LEFT JOIN person q ON q.id = j.made_by
"""


async def register() -> list[Listed]:
    """Every ruling, newest first."""
    return await rows(Listed, _LISTED + "ORDER BY r.id DESC")


async def one(ref: str) -> Listed:
    """The ruling with this reference."""
    return await the(Listed, _LISTED + "WHERE r.ref = {}", ref)


async def of_draft(tender: str) -> Listed | None:
    """The newest ruling, not withdrawn, that lets the statement of this draft stand; None when nobody proposed one."""
    return await row(
        Listed,
        _LISTED + "WHERE r.about = 'commodity' AND r.tender = {} AND r.withdrawn_at IS NULL ORDER BY r.id DESC LIMIT 1",
        tender,
    )


async def open_about(about: str, organisation: int | None, tender: str) -> str:
    """The reference of a ruling about the same thing that was neither withdrawn nor has come to hold; empty when none is."""
    found = await row(
        str,
        """
        SELECT r.ref FROM ruling r WHERE r.about = {} AND r.organisation IS NOT DISTINCT FROM {} AND r.tender = {}
          AND r.withdrawn_at IS NULL AND NOT (ruling_stands(r) AND r.effect_at <= {}) ORDER BY r.id DESC LIMIT 1
        """,
        about,
        organisation,
        tender,
        clock.now(),
    )
    return found or ""


async def stands(about: str, organisation: int | None, tender: str) -> str:
    """What holds now of what a ruling is about: the tier, the reference of the department, the digest of the text in force, or
    what the list says."""
    if about == "tier":
        return await the(str, "SELECT COALESCE(tier_at({}, {}), '')", organisation, clock.now())
    if about == "department":
        return await the(
            str,
            """
            SELECT COALESCE(d.ref, '') FROM organisation o LEFT JOIN organisation d ON d.id = o.department WHERE o.id = {}
            """,
            organisation,
        )
    if about in rules.TEXTS:
        found = await row(
            str,
            """
            SELECT r.after FROM ruling r WHERE r.about = {} AND ruling_stands(r) AND r.effect_at <= {}
            ORDER BY r.effect_at DESC, r.id DESC LIMIT 1
            """,
            about,
            clock.now(),
        )
        return found or ""
    return rules.BOUND


async def belongs(person: int, organisation: int | None) -> bool:
    """Whether somebody is of a body now, in whatever role, or of the department that answers for it."""
    now = clock.now()
    return await the(
        bool,
        """
        SELECT EXISTS (
          SELECT 1 FROM membership m JOIN organisation o ON m.organisation IN (o.id, o.department)
          WHERE m.person = {} AND o.id = {} AND m.since <= {} AND (m.until IS NULL OR m.until > {})
        )
        """,
        person,
        organisation,
        now,
        now,
    )


class Bound(msgspec.Struct, frozen=True):
    """A buyer whom another tier binds than the one it was entered with, and of whom nobody has proposed a ruling."""

    ref: str
    name: str
    entered: str
    created_at: datetime


async def unruled() -> list[Bound]:
    """Bodies that were entered with another tier than the one that binds them, without a ruling about it; oldest first."""
    return await rows(
        Bound,
        """
        SELECT o.ref, o.name, o.tier_entered AS entered, o.created_at FROM organisation o
        WHERE o.tier_entered NOT IN ('', o.tier)
          AND NOT EXISTS (SELECT 1 FROM ruling r WHERE r.organisation = o.id AND r.about = 'tier')
        ORDER BY o.id
        """,
    )


def shown(each: Listed, now: datetime) -> dict[str, Any]:
    """A ruling with what the pages say of it."""
    word, tone = rules.state(each, now)
    return {
        "row": each,
        "state": rules.state_code(each, now),
        "word": word,
        "tone": tone,
        "before": rules.value_words(each.about, each.before),
        "after": rules.value_words(each.about, each.after),
    }
