"""Who did what to a record, from the log, and who of a body let whom in, from its invitations."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from market import clock, policy
from market.hands import rules
from market.reads import rows


class _Done(msgspec.Struct, frozen=True):
    """An act of the log, with its person."""

    verb: str
    person: str
    name: str


class _LetIn(msgspec.Struct, frozen=True):
    """An invitation that was accepted."""

    inviter: str
    invited: str
    accepted_at: datetime


async def doing(act: str, person: str, record: str, body: int) -> rules.Doing:
    """What the table is asked with before `person` (her reference) does an act to a record (`kind:reference`) of a body (its
    id)."""
    return rules.Doing(act, person, await hands_on(record, act), await links_in(body))


async def hands_on(record: str, act: str) -> list[rules.Hand]:
    """Who did to this very record what is not to be done by whoever does this act; where it was done by a mandate on paper, she
    who signed it and she who entered it."""
    others = [other for other in rules.ACTS if other != act and rules.pair_of(act, other)]
    verbs = {verb: other for other in others for verb in rules.ACTS[other].verbs}
    done = await rows(
        _Done,
        """
        SELECT DISTINCT e.verb, p.ref AS person, p.name FROM event e
        JOIN person p ON p.ref IN (e.actor, e.body::jsonb -> 'by_mandate' ->> 'entered_by')
        WHERE e.subject = {} AND e.verb = ANY({}::text[]) ORDER BY p.ref, e.verb
        """,
        record,
        list(verbs),
    )
    return [rules.Hand(verbs[each.verb], each.person, each.name) for each in done]


async def links_in(body: int) -> list[rules.Link]:
    """Who of this body (its id) let whom in, and who entered whose mandate on paper, within the policy's days. What a paper says
    is known from her alone who entered it, so she is no second person beside her whose it is."""
    days = policy.IN_FORCE.people.invited_days
    return [
        *await let_in(body),
        *[
            rules.Link(each.inviter, each.invited, each.accepted_at + timedelta(days=days))
            for each in await rows(
                _LetIn,
                """
                SELECT a.ref AS inviter, b.ref AS invited, m.done_at AS accepted_at FROM mandate m
                JOIN person a ON a.id = m.entered_by JOIN person b ON b.id = m.person
                WHERE m.done_at > {} ORDER BY m.done_at, m.id
                """,
                clock.now() - timedelta(days=days),
            )
        ],
    ]


async def let_in(body: int) -> list[rules.Link]:
    """Who of this body (its id) let whom in, within the policy's days."""
    days = policy.IN_FORCE.people.invited_days
    now = clock.now()
    return [
        rules.Link(each.inviter, each.invited, each.accepted_at + timedelta(days=days))
        for each in await rows(
            _LetIn,
            """
            SELECT a.ref AS inviter, b.ref AS invited, i.accepted_at FROM invitation i
            JOIN person a ON a.id = i.invited_by JOIN person b ON b.email = i.email
            WHERE i.organisation = {} AND i.accepted_at > {} AND a.id <> b.id
              AND EXISTS (SELECT 1 FROM membership m WHERE m.organisation = i.organisation AND m.person = a.id)
            ORDER BY i.accepted_at, i.id
            """,
            body,
            now - timedelta(days=days),
        )
    ]
