"""What reviews put on desks: what waits to be read, and what was answered."""

from __future__ import annotations

from datetime import datetime

import msgspec

from market import policy
from market.actor import Actor
from market.reads import rows
from market.reviews.actions import APPROVING
from market.web.desk import Waiting
from market.wording import _


class Last(msgspec.Struct, frozen=True):
    """The last step of the review of a draft that is not published, and the last of the innovation team's since it was sent."""

    subject: str
    title: str
    body: int
    body_name: str
    kind: str
    asked_of: int | None
    team_answered: bool
    first: bool
    at: datetime


async def waiting(actor: Actor) -> list[Waiting]:
    """For whoever was asked: read it. For the innovation team: the first exercises of a body. For buyers: what was answered."""
    found: list[Waiting] = []
    if not actor.wears(*APPROVING, "operator"):
        return found
    bodies = actor.organisations("buyer")
    for each in await _open():
        href = f"/reviews/{each.subject.replace(':', '/')}"
        if each.kind == "asked" and each.asked_of == actor.person and actor.person is not None:
            found.append(Waiting(_("Read it before it is published"), href, each.title, since=each.at))
        elif each.body in bodies and each.kind == "edits":
            found.append(Waiting(_("Edits were asked for before it is published"), href, each.title, since=each.at))
        elif each.body in bodies and each.kind == "approved":
            found.append(Waiting(_("Approved: publish it, if nothing changed"), href, each.title, since=each.at))
        elif each.first and not each.team_answered and actor.wears("operator"):
            words = _("Read one of the first exercises of {body}", body=each.body_name)
            found.append(Waiting(words, href, each.title, since=each.at))
    return found


async def _open() -> list[Last]:
    return await rows(
        Last,
        """
        SELECT DISTINCT ON (r.subject) r.subject, COALESCE(c.title, t.title, b.title) AS title, r.body, o.name AS body_name, r.kind, r.asked_of, r.at,
          EXISTS (SELECT 1 FROM review x WHERE x.subject = r.subject AND x.side = 'team' AND x.kind <> 'asked' AND x.id > (
            SELECT max(y.id) FROM review y WHERE y.subject = r.subject AND y.kind = 'asked')) AS team_answered,
          c.id IS NOT NULL AND (SELECT count(*) FROM challenge d WHERE d.buyer = r.body AND d.concluded_at IS NOT NULL
            AND d.cancelled_at IS NULL) < {} AS first
        FROM review r JOIN organisation o ON o.id = r.body
        LEFT JOIN challenge c ON r.subject = 'challenge:' || c.ref AND c.published_at IS NULL
        LEFT JOIN tender t ON r.subject = 'tender:' || t.ref AND t.published_at IS NULL AND t.cancelled_at IS NULL
        LEFT JOIN build b ON r.subject = 'build:' || b.ref AND b.published_at IS NULL
        WHERE (c.id IS NOT NULL OR t.id IS NOT NULL OR b.id IS NOT NULL) AND r.side = 'body' ORDER BY r.subject, r.id DESC
        """,
        policy.IN_FORCE.reviews.team_exercises,
    )
