"""Where the review of a draft stands, and what its drafter found of others' work, as publication asks for them."""

from __future__ import annotations

from market import clock
from market.reads import row, rows, the
from market.reviews.rules import Looked, Ready, Step


async def ready(subject: str, *, version: str, words: str, team: bool) -> Ready:
    """What publication of this draft (`kind:reference`) asks beside the rules of its noun."""
    return Ready(version, await steps_of(subject), team, words, await looked(subject), clock.arrived())


async def steps_of(subject: str) -> list[Step]:
    """Every step of its review, oldest first."""
    return await rows(
        Step,
        """
        SELECT r.ref, r.kind, r.side, r.version, r.words, p.ref AS by_ref, p.name AS by,
          COALESCE((SELECT m.title FROM membership m WHERE m.person = p.id AND m.title <> '' ORDER BY m.id LIMIT 1), '') AS title,
          COALESCE(q.ref, '') AS asked_ref, COALESCE(q.name, '') AS asked, r.at
        FROM review r JOIN person p ON p.id = r.by LEFT JOIN person q ON q.id = r.asked_of WHERE r.subject = {} ORDER BY r.id
        """,
        subject,
    )


async def approvals_of(subject: str) -> list[Step]:
    """Who approved what was published: the last approval of each side, the body's first."""
    last = {each.side: each for each in await steps_of(subject) if each.kind == "approved"}
    return [last[side] for side in ("body", "team") if side in last]


async def looked(subject: str) -> Looked | None:
    """The last answer for what others have done."""
    return await row(
        Looked,
        "SELECT version, found, answer, reason, at FROM precedent WHERE subject = {} ORDER BY id DESC LIMIT 1",
        subject,
    )


async def said_elsewhere(body: int, subject: str, reason: str) -> bool:
    """Whether the body (its id) gave these very words for another draft, however they are spaced or capitalised."""
    return await the(
        bool,
        """
        SELECT EXISTS (SELECT 1 FROM precedent WHERE body = {} AND subject <> {}
          AND lower(regexp_replace(reason, '\\s+', ' ', 'g')) = lower(regexp_replace({}::text, '\\s+', ' ', 'g')))
        """,
        body,
        subject,
        reason.strip(),
    )
