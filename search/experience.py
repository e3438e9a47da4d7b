"""What suppliers have done here, as the public may know it: the pitches they gave, their contracts, what was learnt with
them, and their components whose API passes."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from market import clock
from market.reads import rows

KINDS = ("contract", "pitch", "insight-report", "component")
"""In the order in which they are listed."""


class Done(msgspec.Struct, frozen=True):
    """One thing a supplier (its id) did; `title` is that of the record at `url`."""

    supplier: int
    kind: str
    title: str
    url: str


async def of(suppliers: Sequence[int]) -> dict[int, list[Done]]:
    """By supplier, each kind newest first. Nothing of a confidential component is told, and nothing of a contract before
    both sides have signed."""
    done = await rows(
        Done,
        """
        SELECT supplier, kind, title, url FROM (
          SELECT p.supplier, 'pitch' AS kind, c.title, '/challenges/' || c.ref AS url, p.delivered_at AS at
          FROM pitch p JOIN challenge c ON c.id = p.challenge
          WHERE p.supplier = ANY({}::int[]) AND p.delivered_at IS NOT NULL
          UNION ALL
          SELECT k.supplier, 'contract', k.title, '/contracts/' || k.ref, GREATEST(k.buyer_signed_at, k.supplier_signed_at)
          FROM contract k
          WHERE k.supplier = ANY({}::int[]) AND k.buyer_signed_at IS NOT NULL AND k.supplier_signed_at IS NOT NULL
          UNION ALL
          SELECT p.supplier, 'insight-report', r.title, '/insights/' || r.ref, r.published_at
          FROM insight_report r JOIN pitch p ON p.challenge = r.challenge AND p.delivered_at IS NOT NULL
          WHERE p.supplier = ANY({}::int[]) AND r.published_at IS NOT NULL
          UNION ALL
          SELECT s.supplier, 'component', s.title, '/components/' || s.ref, s.listed_at
          FROM service s
          WHERE s.supplier = ANY({}::int[]) AND s.withdrawn_at IS NULL AND NOT s.private AND EXISTS (
            SELECT 1 FROM issued_certificate i
            WHERE i.service = s.id AND i.revoked_at IS NULL AND i.valid_until >= {}
          )
        ) done
        ORDER BY at DESC, url
        """,
        *[list(suppliers)] * 4,
        clock.now(),
    )
    found: dict[int, list[Done]] = {each: [] for each in suppliers}
    for kind in KINDS:
        for each in done:
            if each.kind == kind:
                found[each.supplier].append(each)
    return found
