"""A buyer says why few teams pitched; the innovation team approves or refuses, with reasons, in public."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from challenges.exercise import ancestors, effort_of, must_run, open_teams
from challenges.quiet import rules
from challenges.tables import Challenge, QuietStatement, Statement
from market import clock
from market.accounts.people import family, tell
from market.accounts.tables import Organisation
from market.actor import Actor
from market.audit.actions import record
from market.db import find, transaction
from market.hands.readers import doing
from market.reads import rows, the
from market.refusals import insist
from market.touch import binds
from market.wording import N_


class StatementDraft(msgspec.Struct, forbid_unknown_fields=True):
    """Why the market stayed away."""

    text: Annotated[str, Meta(title=N_("Why the market stayed away"), max_length=8000)]


class Verdict(msgspec.Struct, forbid_unknown_fields=True):
    """Whether the innovation team agrees, and why."""

    schema_name: ClassVar[str] = "QuietVerdict"
    verdict: Annotated[Literal["approved", "refused"], Meta(title=N_("Your decision"))]
    reasons: Annotated[str, Meta(title=N_("Your reasons"), max_length=4000)]


class Waits(msgspec.Struct, frozen=True):
    """An exercise whose statement waits for the innovation team."""

    ref: str
    title: str
    proposed_at: datetime


async def state(actor: Actor, ref: str, given: StatementDraft) -> QuietStatement:
    """Say of an exercise (its reference) why few teams pitched. The innovation team is told."""
    async with transaction():
        challenge = await find(Challenge, Challenge.ref == ref, lock=True)
        hat = must_run(actor, challenge)
        insist(rules.STATE, await stating(challenge, given.text))
        row = QuietStatement(
            challenge=challenge.id,
            text=given.text.strip(),
            proposed_by=actor.must_be_person(),
            proposed_at=clock.now(),
        )
        await row.save()
        for team in await rows(int, "SELECT id FROM organisation WHERE kind = 'operator' ORDER BY id"):
            await tell(
                team,
                "challenges/quiet-stated.txt",
                roles=("operator",),
                about=f"challenge:{ref}",
                challenge=challenge,
                text=row.text,
            )
        await record(
            actor,
            "challenge.quiet-stated",
            f"challenge:{ref}",
            {"statement": row.ref, "text": row.text},
            about=(await ancestors(challenge))[1:],
            organisation=hat.organisation_ref,
        )
    return row


@binds(N_("decide whether the market stayed away"))
async def decide(actor: Actor, ref: str, given: Verdict) -> QuietStatement:
    """Approve or refuse what the buyer of an exercise (its reference) says. The buyer is told; everybody can read it."""
    async with transaction():
        challenge = await find(Challenge, Challenge.ref == ref, lock=True)
        hat = actor.must_wear("operator", secret=challenge.published_at is None)
        newest = await rows(str, "SELECT ref FROM quiet_statement WHERE challenge = {} ORDER BY id DESC", challenge.id)
        row = await find(QuietStatement, QuietStatement.ref == (newest[0] if newest else ""), lock=True)
        (statement,) = [each for each in await statements_of(challenge) if each.ref == row.ref]
        insist(rules.DECIDE, await deciding(actor, challenge, statement, given.reasons))
        row.verdict, row.reasons = given.verdict, given.reasons.strip()
        row.decided_by, row.decided_at = actor.must_be_person(), clock.now()
        await row.save(
            [QuietStatement.verdict, QuietStatement.reasons, QuietStatement.decided_by, QuietStatement.decided_at]
        )
        await tell(
            challenge.buyer,
            "challenges/quiet-decided.txt",
            roles=("buyer",),
            about=f"challenge:{ref}",
            challenge=challenge,
            verdict=row.verdict,
            reasons=row.reasons,
        )
        await record(
            actor,
            f"challenge.quiet-{given.verdict}",
            f"challenge:{ref}",
            {"statement": row.ref, "reasons": row.reasons},
            about=(await ancestors(challenge))[1:],
            organisation=hat.organisation_ref,
        )
    return row


# ── reads ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def statements_of(challenge: Challenge) -> list[Statement]:
    """What was said of this exercise, the newest last."""
    return await rows(
        Statement,
        """
        SELECT s.ref, s.text, p.name AS proposer, s.proposed_at, s.verdict, s.reasons, COALESCE(d.name, '') AS decider, s.decided_at
        FROM quiet_statement s JOIN person p ON p.id = s.proposed_by LEFT JOIN person d ON d.id = s.decided_by
        WHERE s.challenge = {} ORDER BY s.id
        """,
        challenge.id,
    )


async def stating(challenge: Challenge, text: str = "") -> rules.Stating:
    """What the rules of a statement judge, for the action and the page alike."""
    effort = await effort_of(challenge)
    before = await statements_of(challenge)
    return rules.Stating(challenge, effort.pitches, await open_teams(challenge), before, text, clock.arrived())


async def deciding(actor: Actor, challenge: Challenge, statement: Statement, reasons: str = "") -> rules.Deciding:
    """What the rules of a decision judge, for the action and the page alike."""
    buyer = await find(Organisation, Organisation.id == challenge.buyer)
    bodies = await family([buyer.department or buyer.id])
    of_the_buyer = await the(
        bool,
        """
        SELECT EXISTS (SELECT 1 FROM membership WHERE person = {} AND organisation = ANY({}::int[])
          AND since <= {} AND (until IS NULL OR until > {}))
        """,
        actor.must_be_person(),
        bodies,
        clock.now(),
        clock.now(),
    )
    done = await doing("agree-quiet", actor.ref, f"challenge:{challenge.ref}", challenge.buyer)
    return rules.Deciding(challenge, statement, done, of_the_buyer, reasons, clock.arrived())


async def waiting() -> list[Waits]:
    """The exercises whose statement waits for the innovation team, the oldest first."""
    return await rows(
        Waits,
        """
        SELECT c.ref, c.title, s.proposed_at FROM quiet_statement s JOIN challenge c ON c.id = s.challenge
        WHERE s.verdict = '' AND c.concluded_at IS NULL AND c.cancelled_at IS NULL ORDER BY s.id
        """,
    )
