"""A change to a published challenge: added with its date, told to everybody who applied or asked."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from challenges.changes import rules
from challenges.exercise import ancestors, live_applications, must_run
from challenges.tables import Challenge, ChallengeAddendum
from market import clock
from market.accounts.people import tell
from market.actor import SUPPLIER_ROLES, Actor
from market.audit.actions import record
from market.db import find, transaction
from market.reads import rows
from market.refusals import NotFound, insist
from market.touch import binds
from market.wording import N_


class Change(msgspec.Struct, forbid_unknown_fields=True):
    """An addition to a published challenge, and later dates when it needs them. What is left out stays."""

    schema_name: ClassVar[str] = "ChallengeChange"
    text: Annotated[str, Meta(title=N_("What changes, and why"), min_length=10, max_length=4000)]
    new_closes_at: Annotated[datetime, Meta(title=N_("New deadline"), tz=True)] | None = None
    pitches_by: Annotated[datetime, Meta(title=N_("Pitches by"), tz=True)] | None = None
    decision_by: Annotated[datetime, Meta(title=N_("Decision by"), tz=True)] | None = None


class Addendum(msgspec.Struct, frozen=True):
    """A change since publication, and the deadlines it moved between, if it moved it."""

    ref: str
    text: str
    new_closes_at: datetime | None
    closed_at_before: datetime | None
    at: datetime


async def addenda_of(challenge: Challenge) -> list[Addendum]:
    """All changes since publication, oldest first."""
    return await rows(
        Addendum,
        """
        SELECT ref, text, new_closes_at, closed_at_before, at FROM challenge_addendum WHERE challenge = {} ORDER BY id
        """,
        challenge.id,
    )


@binds(N_("publish a change to a challenge"))
async def change(actor: Actor, ref: str, given: Change) -> ChallengeAddendum:
    """Add a change to a published challenge; the deadline may move later with it, and the time for questions and answers with
    the deadline. Applications that were sent stay as they are and can be edited until it."""
    async with transaction():
        challenge = await find(Challenge, Challenge.ref == ref, lock=True)
        hat = must_run(actor, challenge)
        then, at, before = _dated(challenge, given), clock.arrived(), challenge.closes_at
        insist(rules.CHANGE, rules.Changing(challenge, then, at))
        moves = then.closes_at != before
        addendum = ChallengeAddendum(
            challenge=challenge.id,
            text=given.text,
            new_closes_at=then.closes_at if moves else None,
            closed_at_before=before if moves else None,
            at=clock.now(),
            by=actor.must_be_person(),
        )
        await addendum.save()
        for field in rules.Dates.__struct_fields__:
            setattr(challenge, field, getattr(then, field))
        await challenge.save(
            [Challenge.questions_until, Challenge.closes_at, Challenge.pitches_by, Challenge.decision_by]
        )
        for reader in await _readers(challenge):
            await tell(
                reader,
                "challenges/changed.txt",
                roles=SUPPLIER_ROLES,
                about=f"challenge:{ref}",
                challenge=challenge,
                text=given.text,
                moved=moves,
            )
        await record(
            actor,
            "challenge.changed",
            f"challenge:{ref}",
            {
                "addendum": addendum.ref,
                "text": given.text,
                "closed_at_before": before.isoformat() if before else None,
                **{name: getattr(then, name).isoformat() for name in rules.Dates.__struct_fields__},
            },
            about=(await ancestors(challenge))[1:],
            organisation=hat.organisation_ref,
        )
    return addendum


def as_it_is(challenge: Challenge) -> rules.Changing:
    """A change that would change nothing, for the page that asks whether one is possible at all."""
    return rules.Changing(challenge, _dated(challenge, Change("")), clock.arrived())


def _dated(challenge: Challenge, given: Change) -> rules.Dates:
    """The dates as the change would leave them; a draft may lack some, and does not exist for this."""
    closed, until = challenge.closes_at, challenge.questions_until
    pitches, decision = given.pitches_by or challenge.pitches_by, given.decision_by or challenge.decision_by
    if challenge.published_at is None or closed is None or until is None or pitches is None or decision is None:
        raise NotFound("Challenge")
    closes = given.new_closes_at or closed
    return rules.Dates(rules.questions_until(until, closed, closes, clock.arrived()), closes, pitches, decision)


async def _readers(challenge: Challenge) -> list[int]:
    """Who applied or asked: bodies by their ids."""
    asked = await rows(
        int, "SELECT DISTINCT asker FROM public_question WHERE record = {}", f"challenge:{challenge.ref}"
    )
    return sorted({*asked, *(each.supplier for each in await live_applications(challenge))})
