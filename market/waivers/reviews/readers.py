"""Reviews of waivers as they are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from market import clock
from market.reads import rows
from market.refusals import NotFound
from market.waivers.reviews.rules import Review


async def _read(condition: str, *arguments: Any) -> list[Review]:
    return await rows(
        Review,
        f"""
        SELECT r.id, r.ref, w.ref AS waiver, w.department, t.title, o.name AS buyer, COALESCE(c.name, '') AS called_by, r.why, r.begins_at,
          r.answer_by, r.answer, r.says, r.new_until, r.new_ceiling_minor, t.currency, r.answered_at, COALESCE(p.name, '') AS answered_name,
          r.office, r.bundle
        FROM waiver_review r JOIN waiver w ON w.id = r.waiver JOIN tender t ON t.id = w.tender JOIN organisation o ON o.id = w.buyer
        LEFT JOIN person c ON c.id = r.called_by LEFT JOIN person p ON p.id = r.answered_by WHERE {condition}
        """,  # noqa: S608 - the conditions stand below
        *arguments,
    )


async def review(waiver: str, ref: str) -> Review:
    """The review with this reference of a waiver; NotFound where there is none."""
    found = await _read("r.ref = {} AND w.ref = {}", ref, waiver)
    if not found:
        raise NotFound("Review")
    return found[0]


async def reviews_of(waiver: str) -> list[Review]:
    """Every review of a waiver (its reference), the first to begin first."""
    return await _read("w.ref = {} ORDER BY r.begins_at, r.id", waiver)


async def waiting_for(departments: Sequence[int]) -> list[Review]:
    """Those that wait for the ministers of these departments, the first due first."""
    if not departments:
        return []
    now = clock.now()
    return await _read(
        "w.department = ANY({}::int[]) AND r.answered_at IS NULL AND r.begins_at <= {} AND w.revoked_at IS NULL AND w.valid_until >= {} "
        "ORDER BY r.answer_by, r.id",
        list(departments),
        now,
        now,
    )
