"""Bodies as they are read: who they are, the people in them, and the invitations into them that may still be accepted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from market import clock
from market import organisations as registers
from market.accounts.tables import Member
from market.reads import rows, the


class Body(msgspec.Struct, frozen=True):
    """What is public of a body: the tier that binds it now, the one it was entered with, the department that answers for it (its id, reference and name), if it has one."""

    id: int
    ref: str
    name: str
    kind: str
    tier: str
    tier_entered: str
    department: int | None
    department_ref: str | None
    department_name: str | None
    country: str
    scheme: str
    identifier: str
    region: str
    website: str
    email: str

    @property
    def number(self) -> registers.Identifier | None:
        """Its number in its register, None where it has none."""
        return registers.Identifier(self.scheme, self.identifier) if self.identifier else None


_BODY = """
SELECT o.id, o.ref, o.name, o.kind, tier_at(o.id, {}) AS tier, o.tier_entered, o.department, d.ref AS department_ref, d.name AS department_name, o.country,
    o.scheme, o.identifier, o.region, o.website, o.email
FROM organisation o LEFT JOIN organisation d ON d.id = o.department
"""


async def body(ref: str) -> Body:
    """The body of this reference, suppliers included."""
    return await the(Body, _BODY + "WHERE o.ref = {}", clock.now(), ref)


async def supplier(ref: str) -> Body:
    """The firm of this reference; bodies of other kinds are not found here."""
    return await the(Body, _BODY + "WHERE o.ref = {} AND o.kind = 'supplier'", clock.now(), ref)


async def everybody_but_suppliers() -> list[Body]:
    """Buyers, audit bodies and operators, by name."""
    return await rows(Body, _BODY + "WHERE o.kind <> 'supplier' ORDER BY o.name, o.id", clock.now())


async def departments() -> list[tuple[str, str]]:
    """The central departments by name, as the choices of a form: reference and name."""
    central = await rows(
        Body,
        _BODY + "WHERE o.tier = 'central' AND o.tier_entered IN ('', 'central') ORDER BY o.name, o.id",
        clock.now(),
    )
    return [(department.ref, department.name) for department in central]


async def members_of(organisation: int) -> list[Member]:
    """Everybody in a body now or from a later day."""
    return await rows(
        Member,
        """
        SELECT m.id, p.ref, p.name, p.email, m.role, m.title, m.since, m.until, m.until - interval '1 second' AS last,
            coalesce(giver.name, '') AS inviter, coalesce(i.ground, '') AS ground, coalesce(i.paper, '') AS paper
        FROM membership m JOIN person p ON p.id = m.person
        LEFT JOIN invitation i ON i.id = m.invitation LEFT JOIN person giver ON giver.id = i.invited_by
        WHERE m.organisation = {} AND (m.until IS NULL OR m.until > {}) AND p.closed_at IS NULL
        ORDER BY m.role, p.name, m.id
        """,
        organisation,
        clock.now(),
    )


class Offer(msgspec.Struct, frozen=True):
    """An invitation into a body (its name) that may still be accepted, or waits for others (`sent_at` is NULL), with on whose
    word and what it rests."""

    ref: str
    body: str
    email: str
    name: str
    inviter: str
    ground: str
    paper: str
    sent_at: datetime | None
    role: str
    title: str
    expires_at: datetime


async def _offers(condition: str, *arguments: Any) -> list[Offer]:
    return await rows(
        Offer,
        f"""
        SELECT i.ref, o.name AS body, i.email, i.name, giver.name AS inviter, i.ground, i.paper, i.sent_at, i.role, i.title,
            i.expires_at
        FROM invitation i JOIN organisation o ON o.id = i.organisation JOIN person giver ON giver.id = i.invited_by
        WHERE {condition} AND i.accepted_at IS NULL AND i.withdrawn_at IS NULL AND i.expires_at > {{}}
        ORDER BY i.invited_at DESC, i.id DESC
        """,  # noqa: S608 - the conditions stand below
        *arguments,
        clock.arrived(),
    )


async def invitations_of(organisation: int) -> list[Offer]:
    """The open invitations into a body (its id), newest first."""
    return await _offers("i.organisation = {}", organisation)


async def invitations_to(email: str) -> list[Offer]:
    """The open invitations to this address, newest first; those that wait for others are not shown to it."""
    return await _offers("i.email = {} AND i.sent_at IS NOT NULL", email)
